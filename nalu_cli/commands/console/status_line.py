"""What all views of running work on stderr share: how they begin and end, and hear of a stop."""

from __future__ import annotations

import os
from contextlib import suppress
from types import TracebackType
from typing import ClassVar, Self

from rich.live import Live
from rich.progress import Progress

from nalu_cli.commands.console.screen import OutputClosedError, Screen

__all__ = ["Foot", "Plain"]

STDERR = 2


class Plain:
    """Nothing that would have to be cleaned up; subclasses print lines, or nothing.

    Parameters
    ----------
    screen : Screen
    """

    stopping_text: ClassVar[str]
    """What is said when a request to stop was heard."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    def stopping(self) -> None:
        """Print at once; past the stream, which may be in the middle of a line of its own."""
        if not self._screen.quiet:
            with suppress(OSError):
                os.write(STDERR, f"{self.stopping_text}\n".encode())


class Foot(Plain):
    """Lines at the foot of a terminal, gone when the work is done.

    Parameters
    ----------
    screen : Screen
    """

    _drawn: Live | Progress
    """What rich keeps drawing there; a subclass makes it, which may draw at once."""

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        self._is_stopping = False

    def __enter__(self) -> Self:
        self._drawn.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # the terminal may be gone, which must not cost what was found
        with suppress(OSError, OutputClosedError):
            self._drawn.__exit__(kind, error, traceback)

    def stopping(self) -> None:
        """Note it; a signal handler must not draw."""
        self._is_stopping = True

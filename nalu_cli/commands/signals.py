"""Ctrl-C and its relatives: the first asks a fit to stop, the second quits."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from nalu_cli.errors import ExitCode

__all__ = ["StopRequest", "TerminatedError", "raise_on_termination"]

TERMINATIONS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)


class TerminatedError(BaseException):
    """SIGTERM or SIGHUP; an exception, so that every `with` block can restore what it changed."""


def raise_on_termination() -> None:
    """Let SIGTERM and SIGHUP unwind the program, as Ctrl-C does."""
    for number in TERMINATIONS:
        _install(number, _terminate)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise TerminatedError


def _install(number: int, handler: Any) -> Any:
    """Set a handler and return the old one; None where signals are not ours to handle."""
    if threading.current_thread() is not threading.main_thread():
        return None
    # a signal that is ignored, as under nohup, stays ignored
    if signal.getsignal(number) is signal.SIG_IGN:
        return None
    return signal.signal(number, handler)


class StopRequest:
    """Whether somebody asked to stop, as a context manager.

    Parameters
    ----------
    heard : callable
        Called once, at the first signal; it must be safe inside a signal handler.
    """

    def __init__(self, heard: Callable[[], None]) -> None:
        self._heard = heard
        self._event = threading.Event()
        self._before: dict[int, Any] = {}
        self.code: ExitCode | None = None

    def asked(self) -> bool:
        """Whether a signal came."""
        return self._event.is_set()

    def __enter__(self) -> StopRequest:
        for number in (signal.SIGINT, *TERMINATIONS):
            before = _install(number, self._handle)
            if before is not None:
                self._before[number] = before
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        interrupted = number == signal.SIGINT
        if self.asked():
            raise KeyboardInterrupt if interrupted else TerminatedError
        self.code = ExitCode.INTERRUPTED if interrupted else ExitCode.TERMINATED
        self._event.set()
        self._heard()

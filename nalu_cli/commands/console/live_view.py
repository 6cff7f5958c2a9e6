"""The view of a running fit on stderr: one block that is redrawn, or plain lines."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

from rich.console import Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from nalu_cli.answer import Progress
from nalu_cli.answer.wording import number, stage_text
from nalu_cli.commands.console.screen import Screen
from nalu_cli.commands.console.status_line import Foot, Plain
from nalu_cli.errors import visible
from nalu_cli.expression.text import formula_text

__all__ = ["Silent", "View", "view_for"]

EVERY = 5.0
"""Seconds after which a plain line is printed though nothing new has begun."""


class View(Protocol):
    """Shows progress while the `with` block runs."""

    def __enter__(self) -> View: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def watch(self, progress: Progress) -> None:
        """Take note of how far the fit is."""

    def stopping(self) -> None:
        """Say that a request to stop was heard; called inside a signal handler."""


def view_for(screen: Screen) -> View:
    """The view that fits the screen."""
    if screen.quiet:
        return Silent(screen)
    return Redrawn(screen) if screen.is_live else Lines(screen)


class Silent(Plain):
    """Shows nothing but what must be said."""

    stopping_text = "stopping; the best formula so far is kept (Ctrl-C again quits at once)"

    def watch(self, progress: Progress) -> None:
        """Nothing is shown."""


class Lines(Silent):
    """A line for every stage, and every few seconds: what a log can keep."""

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        self._shown: tuple[str, float] = ("", -EVERY)

    def watch(self, progress: Progress) -> None:
        """Print a line if there is something new."""
        stage, when = self._shown
        if progress.stage == stage and progress.seconds - when < EVERY:
            return
        self._shown = (progress.stage, progress.seconds)
        self._screen.note(f"{_where(progress)}   {_best(progress)}")


class Redrawn(Foot):
    """Two lines: a spinner with the stage, and the best formula so far."""

    stopping_text = Silent.stopping_text

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        self._spinner = Spinner("dots")
        self._progress: Progress | None = None
        # drawn anew from the latest progress by a thread of its own
        self._drawn = Live(
            get_renderable=self._picture, console=screen.err, transient=True, refresh_per_second=8
        )

    def watch(self, progress: Progress) -> None:
        """Note what is drawn next."""
        self._progress = progress

    def _picture(self) -> RenderableType:
        width = self._screen.err.width
        progress = self._progress
        first = (
            self.stopping_text
            if self._is_stopping
            else _where(progress)
            if progress
            else "starting"
        )
        self._spinner.update(text=_cut(first, width - 2))
        best = _best(progress) if progress else ""
        return Group(self._spinner, _cut(f"  {best}", width))


def _cut(text: str, width: int) -> Text:
    line = Text(text, no_wrap=True, overflow="ellipsis")
    line.truncate(width, overflow="ellipsis")
    return line


def _where(progress: Progress) -> str:
    parts = [stage_text(progress.stage)]
    if progress.rows:
        parts.append(f"{progress.rows:,} rows")
    if progress.restarts:
        parts.append(f"{progress.restarts} random starts")
    parts.append(f"{progress.seconds:.0f} s")
    if progress.seconds_left is not None:
        parts.append(f"{max(progress.seconds_left, 0):.0f} s left")
    return "  ".join(parts)


def _best(progress: Progress) -> str:
    if progress.circuit is None:
        return "nothing found yet"
    formula = visible(formula_text(progress.circuit, progress.names))
    return f"held-out error {number(progress.far_error)}  {formula}"

"""How far an experiment is, on stderr: a bar that is redrawn, or plain lines."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from types import TracebackType

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from nalu_cli.commands.screen import OutputClosedError, Screen, shortened
from nalu_cli.errors import visible
from nalu_cli.experiments.papers.experiment import Batch
from nalu_cli.experiments.papers.run import Done

__all__ = ["Bar", "Lines", "advance_for"]

EVERY = 30.0
"""Seconds after which a plain line is printed though no batch has begun."""

STOPPING = "stopping; the results so far are kept (Ctrl-C again quits at once)"

STDERR = 2

BAR = 20
"""Cells."""


class Lines:
    """A line for each batch, and every half a minute: what a log can keep."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._said: Batch | None = None
        self._when = 0.0

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    def watch(self, done: Done) -> None:
        """Print a line if there is something new."""
        if done.batch is None:
            return
        now = time.monotonic()
        if done.batch == self._said and now - self._when < EVERY:
            return
        share = f"  {100 * done.share:.0f} %" if done.batch == self._said else ""
        self._said, self._when = done.batch, now
        self._screen.note(f"{done.batches + 1}/{done.of}  {_words(done.batch)}{share}")

    def stopping(self) -> None:
        """Say so at once; past the stream, which may be in the middle of a line of its own."""
        if not self._screen.quiet:
            with suppress(OSError):
                os.write(STDERR, f"{STOPPING}\n".encode())


class Bar(Lines):
    """One line at the foot of a terminal, gone when the work is done."""

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        self._progress = Progress(
            BarColumn(bar_width=BAR),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=screen.err,
            transient=True,
        )
        self._task = self._progress.add_task("starting", total=1.0)
        self._is_stopping = False

    def __enter__(self) -> Bar:
        self._progress.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # the terminal may be gone, which must not cost what was measured
        with suppress(OSError, OutputClosedError):
            self._progress.__exit__(kind, error, traceback)

    def watch(self, done: Done) -> None:
        """Note what is drawn next."""
        words = _words(done.batch) if done.batch else ""
        room = self._screen.err.width - BAR - len("  100 % 0:00:00 ")
        text = STOPPING if self._is_stopping else f"{done.batches}/{done.of}  {words}"
        self._progress.update(
            self._task,
            completed=(done.batches + done.share) / max(done.of, 1),
            description=shortened(text, room),
        )

    def stopping(self) -> None:
        """Note it; a signal handler must not draw."""
        self._is_stopping = True


def advance_for(screen: Screen) -> Lines:
    """The view that fits the screen."""
    return Bar(screen) if screen.is_live and not screen.quiet else Lines(screen)


def _words(batch: Batch) -> str:
    first, last = batch.seeds[0], batch.seeds[-1]
    seeds = f"seed {first}" if first == last else f"seeds {first} to {last}"
    return visible(f"{batch.task}  {batch.model}  {seeds}")

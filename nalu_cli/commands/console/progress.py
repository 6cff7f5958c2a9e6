"""How far an experiment is, on stderr: a bar that is redrawn, or plain lines."""

from __future__ import annotations

import time

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from nalu_cli.commands.console.screen import Screen, shortened
from nalu_cli.commands.console.status_line import Foot, Plain
from nalu_cli.errors import visible
from nalu_cli.experiments.papers.experiment import Batch
from nalu_cli.experiments.papers.run import Done

__all__ = ["Bar", "Lines", "advance_for"]

EVERY = 30.0
"""Seconds after which a plain line is printed though no batch has begun."""

BAR = 20
"""Cells."""


class Lines(Plain):
    """A line for each batch, and every half a minute: what a log can keep."""

    stopping_text = "stopping; the results so far are kept (Ctrl-C again quits at once)"

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        self._said: Batch | None = None
        self._when = 0.0

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


class Bar(Foot):
    """One line: how much is done, and what is being trained."""

    stopping_text = Lines.stopping_text

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        self._drawn: Progress = Progress(
            BarColumn(bar_width=BAR),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=screen.err,
            transient=True,
        )
        self._task = self._drawn.add_task("starting", total=1.0)

    def watch(self, done: Done) -> None:
        """Note what is drawn next."""
        words = _words(done.batch) if done.batch else ""
        room = self._screen.err.width - BAR - len("  100 % 0:00:00 ")
        text = self.stopping_text if self._is_stopping else f"{done.batches}/{done.of}  {words}"
        self._drawn.update(
            self._task,
            completed=(done.batches + done.share) / max(done.of, 1),
            description=shortened(text, room),
        )


def advance_for(screen: Screen) -> Lines | Bar:
    """The view that fits the screen."""
    return Bar(screen) if screen.is_live and not screen.quiet else Lines(screen)


def _words(batch: Batch) -> str:
    first, last = batch.seeds[0], batch.seeds[-1]
    seeds = f"seed {first}" if first == last else f"seeds {first} to {last}"
    return visible(f"{batch.task}  {batch.model}  {seeds}")

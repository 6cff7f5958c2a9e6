"""Runs trials in processes of their own, so that none can end the run or slow another down."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import Any, Generic, TypeVar

__all__ = ["run_trials"]

Task = TypeVar("Task")
Result = TypeVar("Result")

POLL = 0.2
"""Seconds between looks at whether to stop."""

GRACE = 2.0
"""Seconds a worker has to clean up before it is killed."""


def run_trials(
    trials: Sequence[Task],
    jobs: int,
    *,
    run: Callable[[Task], Result],
    failed: Callable[[Task, str], Result],
    patience: float,
    stop: Callable[[], bool],
) -> Iterator[Result]:
    """Run trials, or batches of them, side by side.

    Parameters
    ----------
    trials : sequence
    jobs : int
        Processes; each computes on one core.
    run : callable
        Runs one trial in a process; a function of a module, since it is sent by name.
    failed : callable
        The outcome of a trial that has none, and why.
    patience : float
        Seconds after which a trial hangs.
    stop : callable
        Asked a few times a second; True abandons what is running.

    Yields
    ------
    Result
        As the trials end, in any order. A process that dies or hangs makes one failed outcome.
    """
    pending = deque(trials)
    workers = [_Worker(run, failed, patience) for _ in range(min(jobs, len(pending)))]
    try:
        while True:
            for worker in workers:
                if worker.trial is None and pending:
                    worker.give(pending.popleft())
            busy = [worker for worker in workers if worker.trial is not None]
            if not busy or stop():
                return
            ready = wait([worker.connection for worker in busy], POLL)
            for worker in busy:
                if worker.connection in ready or worker.is_overdue():
                    yield worker.outcome()
    finally:
        for worker in workers:
            worker.end()


class _Worker(Generic[Task, Result]):
    """A process that runs one trial after another, and is replaced when it dies."""

    def __init__(
        self, run: Callable[[Task], Result], failed: Callable[[Task, str], Result], patience: float
    ) -> None:
        self._run = run
        self._failed = failed
        self._patience = patience
        self._given = 0.0
        self.trial: Task | None = None
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(
            target=_serve, args=(theirs, self._run), daemon=True
        )
        with _without_interrupts():
            self._process.start()
        # the end of the process closes the other side only if it is not open here too
        theirs.close()

    def give(self, trial: Task) -> None:
        """Start a trial."""
        self.trial, self._given = trial, time.monotonic()
        with suppress(OSError):  # a dead process is noticed when its outcome is read
            self.connection.send(trial)

    def is_overdue(self) -> bool:
        """Whether the trial hangs."""
        return time.monotonic() - self._given > self._patience

    def outcome(self) -> Result:
        """The outcome of the trial, whether it ended or not."""
        assert self.trial is not None
        trial, self.trial = self.trial, None
        try:
            if self.connection.poll():
                outcome: Result = self.connection.recv()
                return outcome
            error = "the worker took too long"
        except (EOFError, OSError):
            self._process.join(GRACE)
            error = f"the worker died with exit code {self._process.exitcode}"
        self.end()
        self._start()
        return self._failed(trial, error)

    def end(self) -> None:
        """End the process, with what it started if it can still see to that."""
        self._process.terminate()
        self._process.join(GRACE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Processes started here do not hear Ctrl-C, which is for the parent to act on."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, run: Callable[[Any], Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    with suppress(EOFError, OSError):
        while True:
            connection.send(run(connection.recv()))


def _leave(number: int, frame: FrameType | None) -> None:
    # an exception, so that a process being waited for is ended and temporary files are removed
    sys.exit(1)

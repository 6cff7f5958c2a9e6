"""Ctrl-C and its relatives: the first asks a fit to stop, the second quits."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, NoReturn

from nalu_cli.errors import ExitCode

__all__ = [
    "StopRequest",
    "StoppedError",
    "ignore_signals",
    "quit_on_signals",
    "raise_on_signals",
    "said_on_stop",
    "signal_held",
    "stopped",
]

INTERRUPT = signal.SIGINT
SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)

STDERR = 2
SHOW_CURSOR = b"\x1b[?25h"

_raised: list[ExitCode] = []
"""The signals that were raised as exceptions in this process."""

_held: list[int] = []
_holds: list[bool] = []
"""A signal that waits, and whether it has to."""


class StoppedError(BaseException):
    """A signal; an exception, so that every `with` block can restore what it changed.

    Parameters
    ----------
    code : ExitCode
        What the process should end with.
    """

    def __init__(self, code: ExitCode) -> None:
        self.code = code
        super().__init__(code)


def said_on_stop(code: ExitCode) -> str:
    """What is said when a signal ends a command before it is done."""
    word = "interrupted" if code is ExitCode.INTERRUPTED else "terminated"
    return f"{word} before it was done."


def quit_on_signals() -> None:
    """Let a signal end the process at once: right while nothing has been opened or changed."""
    for number in SIGNALS:
        _install(number, _quit)


def raise_on_signals() -> None:
    """Let a signal unwind the program; a second one ends the process at once."""
    _raised.clear()
    for number in SIGNALS:
        _install(number, _raise)


def ignore_signals() -> None:
    """Let nothing change an exit code that is settled."""
    for number in SIGNALS:
        _install(number, signal.SIG_IGN)


def stopped() -> ExitCode | None:
    """The exit code of the signal that was raised, if one was.

    Libraries turn exceptions that meet them while they are loaded into others.
    """
    return _raised[0] if _raised else None


@contextmanager
def signal_held() -> Iterator[None]:
    """Let a signal wait until the block ends, so that it is done as a whole; a second does not."""
    _holds.append(True)
    try:
        yield
    finally:
        _holds.clear()
        while _held:
            _raise(_held.pop(), None)


def _quit(number: int, frame: FrameType | None) -> NoReturn:
    code = _code(number)
    with suppress(OSError):
        # past the streams, which may be in the middle of a line of their own
        os.write(STDERR, (SHOW_CURSOR if os.isatty(STDERR) else b"") + _line(code))
    os._exit(code)


def _line(code: ExitCode) -> bytes:
    return f"nalu: {said_on_stop(code)}\n".encode()


def _raise(number: int, frame: FrameType | None) -> None:
    if _holds and not _held:
        _held.append(number)
        return
    quit_on_signals()
    code = _code(number)
    _raised.append(code)
    raise StoppedError(code)


def _code(number: int) -> ExitCode:
    return ExitCode.INTERRUPTED if number == INTERRUPT else ExitCode.TERMINATED


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
        self._is_quitting = False
        self.code: ExitCode | None = None

    def asked(self) -> bool:
        """Whether a signal came."""
        return self._event.is_set()

    def __enter__(self) -> StopRequest:
        for number in SIGNALS:
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
        if self._is_quitting:
            return
        for number, before in self._before.items():
            _install(number, before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked():
            self._is_quitting = True
            _raise(number, frame)
        self.code = _code(number)
        self._event.set()
        self._heard()

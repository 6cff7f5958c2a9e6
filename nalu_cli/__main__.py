"""`nalu` and `python -m nalu_cli`: ready for a signal before anything else is loaded."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn

from nalu_cli.commands.console.signals import quit_on_signals
from nalu_cli.errors import ExitCode

__all__ = ["main"]

OBJECTS_PER_COLLECTION = 100_000
"""What loading the libraries makes is no garbage; looking for any took a tenth of a short fit."""


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    quit_on_signals()
    gc.set_threshold(OBJECTS_PER_COLLECTION)
    try:
        from nalu_cli.commands.app import main as run_and_exit
    except MemoryError:
        sys.exit(_without_memory())
    run_and_exit()


def _without_memory() -> ExitCode:
    sys.stderr.write("nalu: there is not enough memory to start.\n")
    return ExitCode.RESOURCE


if __name__ == "__main__":
    main()

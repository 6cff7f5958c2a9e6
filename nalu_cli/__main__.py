"""`nalu` and `python -m nalu_cli`: ready for a signal before anything else is loaded."""

from __future__ import annotations

from typing import NoReturn

from nalu_cli.commands.signals import quit_on_signals

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    quit_on_signals()
    from nalu_cli.commands.app import main as run_and_exit

    run_and_exit()


if __name__ == "__main__":
    main()

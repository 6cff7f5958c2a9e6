"""The command line that repeats a benchmark, and the part of it that results must agree in."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nalu_cli.experiments.trial import Conditions

__all__ = ["command_of", "options_of", "settings_of"]


def options_of(asked: Mapping[str, object]) -> list[str]:
    """The words of the options that were given a value."""
    return [t for name, value in asked.items() if value is not None for t in (name, str(value))]


def settings_of(kind: str, file: str | None, conditions: Conditions) -> str:
    """What all rows of a results file agree in.

    Parameters
    ----------
    kind : str
        Of benchmark.
    file : str or None
        The benchmark file; results do not depend on where it lies.
    conditions : Conditions
    """
    from nalu_cli import __version__

    named = [Path(file).name] if file is not None else []
    return shlex.join(["nalu", __version__, "bench", kind, *named, *conditions.options])


def command_of(
    kind: str, file: str | None, asked: Mapping[str, object], conditions: Conditions
) -> str:
    """The command line, with the options that were asked for and the conditions."""
    named = [file] if file is not None else []
    return shlex.join(["nalu", "bench", kind, *named, *options_of(asked), *conditions.options])

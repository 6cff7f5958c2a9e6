"""What an exporter is: a format, whether it can be run, and the text it makes of a circuit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nalu_cli.circuit import Circuit
from nalu_cli.settings import ExportFormat

__all__ = ["Exporter"]


@dataclass(frozen=True, slots=True)
class Exporter:
    """Writes a circuit in one format.

    Parameters
    ----------
    format : ExportFormat
    is_executable : bool
        Whether the text is a program; tests run it and compare.
    export : function of circuit, names and target
        The text, ending in a line break. Names are data: whatever they hold, they stay names.
    """

    format: ExportFormat
    is_executable: bool
    export: Callable[[Circuit, Sequence[str], str], str]

"""The formula as one line of plain text, in Python syntax."""

from __future__ import annotations

from collections.abc import Sequence

from nalu_cli.circuit import Circuit
from nalu_cli.exporters.exporter import Exporter
from nalu_cli.expression.text import formula_text, printed_name
from nalu_cli.settings import ExportFormat

__all__ = ["TEXT"]


def _export(circuit: Circuit, names: Sequence[str], target: str) -> str:
    return f"{printed_name(target)} = {formula_text(circuit, names)}\n"


TEXT = Exporter(ExportFormat.TEXT, is_executable=False, export=_export)

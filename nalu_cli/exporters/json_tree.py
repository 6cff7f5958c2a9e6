"""The circuit itself as JSON, exact to the last bit."""

from __future__ import annotations

import json
from collections.abc import Sequence

from nalu_cli.circuit import Circuit
from nalu_cli.circuit.plain_data import circuit_from_data, circuit_to_data
from nalu_cli.exporters.exporter import Exporter
from nalu_cli.expression.text import formula_text
from nalu_cli.settings import ExportFormat

__all__ = ["JSON", "circuit_from_json"]

FORMAT = "nalu circuit"
VERSION = 1


def _export(circuit: Circuit, names: Sequence[str], target: str) -> str:
    document = {
        "format": FORMAT,
        "version": VERSION,
        "target": target,
        "names": list(names),
        "formula": formula_text(circuit, names),
        "circuit": circuit_to_data(circuit),
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def circuit_from_json(text: str) -> Circuit:
    """The circuit that was exported.

    Raises
    ------
    ValueError
        If the text is not JSON, not of this format, of a newer version, or damaged.
    """
    try:
        document = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply for a circuit") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"not a document of the format {FORMAT!r}")
    if document.get("version") != VERSION:
        raise ValueError(f"not version {VERSION} of the format {FORMAT!r}")
    circuit = circuit_from_data(document.get("circuit"))
    names = document.get("names")
    if not isinstance(names, list) or len(names) != circuit.n_columns:
        raise ValueError(f"names must be a list of {circuit.n_columns} names")
    return circuit


JSON = Exporter(ExportFormat.JSON, is_executable=False, export=_export)

"""Formats a circuit can be written in, one file each, all under the same laws."""

from nalu_cli.exporters.c_source import C_SOURCE
from nalu_cli.exporters.excel import EXCEL
from nalu_cli.exporters.exporter import Exporter
from nalu_cli.exporters.javascript import JAVASCRIPT
from nalu_cli.exporters.json_tree import JSON, circuit_from_json
from nalu_cli.exporters.latex import LATEX, latex_formula
from nalu_cli.exporters.mathml import MATHML, mathml_equation, mathml_formula
from nalu_cli.exporters.numpy_source import NUMPY_SOURCE
from nalu_cli.exporters.python_source import PYTHON_SOURCE
from nalu_cli.exporters.sql import SQL
from nalu_cli.exporters.sympy_source import SYMPY_SOURCE
from nalu_cli.exporters.text import TEXT
from nalu_cli.settings import ExportFormat

__all__ = [
    "EXPORTERS",
    "Exporter",
    "circuit_from_json",
    "latex_formula",
    "mathml_equation",
    "mathml_formula",
]

EXPORTERS: dict[ExportFormat, Exporter] = {
    exporter.format: exporter
    for exporter in (
        *(TEXT, LATEX, MATHML, PYTHON_SOURCE, NUMPY_SOURCE, C_SOURCE),
        *(JAVASCRIPT, SQL, EXCEL, JSON, SYMPY_SOURCE),
    )
}

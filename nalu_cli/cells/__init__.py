"""The cells a stack can be made of, by name.

Shapes beside tensor arguments: R restarts, N rows, I inputs, O outputs.
"""

from nalu_cli.cells.cell import Cell, Operation, Path
from nalu_cli.cells.gated import Gated
from nalu_cli.settings import CellName

__all__ = ["CELLS", "Cell", "Gated", "Operation", "Path"]

CELLS: dict[CellName, type[Cell]] = {CellName.AUTO: Gated}

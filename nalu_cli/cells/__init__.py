"""Stage 4: the cells a stack can be made of, by name.

Shapes beside tensor arguments: R restarts, N rows, I inputs, O outputs.
"""

from nalu_cli.cells.cell import Cell, Operation, Path
from nalu_cli.cells.gated import Gated
from nalu_cli.cells.nac import NAC
from nalu_cli.cells.nalu import NALU
from nalu_cli.settings import CellName

__all__ = ["CELLS", "NAC", "NALU", "Cell", "Gated", "Operation", "Path"]

CELLS: dict[CellName, type[Cell]] = {
    CellName.AUTO: Gated,
    CellName.NALU: NALU,
    CellName.NAC: NAC,
}

"""Stage 4: the cells a stack can be made of, by name.

Shapes beside tensor arguments: R restarts, N rows, I inputs, O outputs.

A new cell is a final subclass of `Cell` in a file of its own, a name in `CellName` and a line in
`CELLS`; the laws in tests/test_cell_laws.py then hold it to what all cells promise.
"""

from nalu_cli.cells.cell import Cell, Operation, Path
from nalu_cli.cells.gated import Gated
from nalu_cli.cells.inalu import INALU
from nalu_cli.cells.inalu_shared import SharedINALU
from nalu_cli.cells.nac import NAC
from nalu_cli.cells.nac_product import NACProduct
from nalu_cli.cells.nalu import NALU
from nalu_cli.cells.nau import NAU
from nalu_cli.cells.nmru import NMRU
from nalu_cli.cells.nmu import NMU
from nalu_cli.cells.npu import NPU
from nalu_cli.cells.nru import NRU
from nalu_cli.cells.realnpu import RealNPU
from nalu_cli.cells.recipe import Recipe
from nalu_cli.settings import CellName

__all__ = ["CELLS", "Cell", "Gated", "Operation", "Path", "Recipe"]

CELLS: dict[CellName, type[Cell]] = {
    cell.name: cell
    for cell in (
        Gated,
        NALU,
        NAC,
        NACProduct,
        INALU,
        SharedINALU,
        NAU,
        NMU,
        NPU,
        RealNPU,
        NRU,
        NMRU,
    )
}

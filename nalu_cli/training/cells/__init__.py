"""The cells a stack can be made of, by name.

Shapes beside tensor arguments: R restarts, N rows, I inputs, O outputs.

A new cell is a final subclass of `Cell` in a file of its own, a name in `CellName` and a line in
`CELLS`; the laws in tests/test_cell_laws.py then hold it to what all cells promise.
"""

from nalu_cli.settings import CellName
from nalu_cli.training.cells.cell import Cell, Operation, Path
from nalu_cli.training.cells.gated import Gated
from nalu_cli.training.cells.inalu import INALU
from nalu_cli.training.cells.inalu_shared import SharedINALU
from nalu_cli.training.cells.nac import NAC
from nalu_cli.training.cells.nac_product import NACProduct
from nalu_cli.training.cells.nalu import NALU
from nalu_cli.training.cells.nau import NAU
from nalu_cli.training.cells.nmru import NMRU
from nalu_cli.training.cells.nmu import NMU
from nalu_cli.training.cells.npu import NPU
from nalu_cli.training.cells.nru import NRU
from nalu_cli.training.cells.realnpu import RealNPU
from nalu_cli.training.cells.recipe import Recipe

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

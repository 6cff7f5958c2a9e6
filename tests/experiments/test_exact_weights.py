from __future__ import annotations

from pathlib import Path

import pytest

from nalu_cli.experiments.benchmark_file import PUBLISHED, read_suite
from nalu_cli.experiments.exact_weights import passes
from nalu_cli.experiments.operations import OperationTask
from nalu_cli.settings import CellName
from nalu_cli.training.cells import CELLS


def task(suite: str, operation: str, case: str) -> OperationTask:
    chosen = read_suite(Path(PUBLISHED), suite)
    (found,) = (
        given
        for one in chosen.cases
        for given in one.tasks
        if (one.name, given.operation) == (case, operation)
    )
    return found


def single(cell: CellName, operation: str, case: str = "1..2") -> bool | None:
    return passes(cell, task("mistry_single", operation, case))


PUBLISHED_CELLS = [name for name in CellName if name is not CellName.AUTO]


@pytest.mark.parametrize("cell", PUBLISHED_CELLS)
def test_a_cell_passes_what_it_claims_in_a_plain_range(cell: CellName) -> None:
    claims = {"add": "add", "sub": "subtract", "mul": "multiply", "div": "divide"}
    for operation, claim in claims.items():
        claimed = claim in CELLS[cell].operations
        assert single(cell, operation) is (True if claimed else None)


@pytest.mark.parametrize("operation", ["mul", "div"])
def test_products_of_magnitudes_fail_where_signs_differ(operation: str) -> None:
    for cell in (CellName.NALU, CellName.NAC_PRODUCT):
        assert single(cell, operation, "-2..2") is False
        assert single(cell, operation, "-2..-1") is True
    for cell in (CellName.INALU, CellName.REALNPU, CellName.NPU, CellName.NMRU, CellName.NRU):
        assert single(cell, operation, "-2..2") is True


def test_a_gate_that_reads_its_input_fails_where_that_changes_sign() -> None:
    assert single(CellName.NALU, "add", "-2..2") is False
    assert single(CellName.NALU, "add", "-2..-1") is True
    assert single(CellName.INALU, "add", "-2..2") is True


def test_two_layers() -> None:
    for cell in (CellName.NMU, CellName.NALU, CellName.NAC_PRODUCT, CellName.REALNPU):
        assert passes(cell, task("madsen_static", "mul", "1..2"))
        assert passes(cell, task("madsen_static", "squared", "1..2"))
        assert passes(cell, task("madsen_four", "mul", "1..2"))
    assert passes(CellName.NMU, task("madsen_static", "div", "1..2")) is None
    assert passes(CellName.NAU, task("madsen_static", "sub", "1..2"))
    assert passes(CellName.REALNPU, task("madsen_static", "root", "1..2"))
    assert passes(CellName.NALU, task("madsen_static", "root", "1..2")) is None

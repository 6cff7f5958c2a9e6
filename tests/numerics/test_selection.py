"""Selection of columns: those of the law are kept, forward and backward, and no others."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from nalu_cli.numerics.selection import backward_elimination, forward_selection

Floats = NDArray[np.float64]

CHOSEN = [1, 4, 5]
COEFFICIENTS = [2.0, -0.5, 1.0]


def rows(noise: float, n_rows: int = 200, n_columns: int = 8) -> tuple[Floats, Floats]:
    random = np.random.default_rng(2)
    design = random.standard_normal((n_rows, n_columns)) * 10.0 ** np.arange(n_columns)
    y = design[:, CHOSEN] / 10.0 ** np.array(CHOSEN) @ COEFFICIENTS
    return design, y + noise * random.standard_normal(n_rows)


@pytest.mark.parametrize("significance", [None, 4.0])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_backward_elimination_keeps_the_columns_of_the_law(
    noise: float, significance: float | None
) -> None:
    design, y = rows(noise)
    chosen, coefficients = backward_elimination(design, y, significance=significance)
    assert set(CHOSEN) <= set(chosen.tolist())
    assert len(chosen) == len(CHOSEN) or not noise
    kept = [chosen.tolist().index(k) for k in CHOSEN]
    scaled = coefficients[kept] * 10.0 ** np.array(CHOSEN)
    np.testing.assert_allclose(scaled, COEFFICIENTS, atol=max(noise, 1e-9))


def test_many_columns_may_be_left_out_at_once() -> None:
    design, y = rows(0.05, n_columns=40)
    design /= 10.0 ** np.arange(40)
    y = design[:, CHOSEN] @ COEFFICIENTS
    chosen, _ = backward_elimination(design, y + 0.01 * np.cos(np.arange(200)), share=0.1)
    assert set(CHOSEN) <= set(chosen.tolist())
    assert len(chosen) < 12


def test_of_noise_no_column_is_significant() -> None:
    design, _ = rows(0.0)
    noise = np.random.default_rng(9).standard_normal(200)
    chosen, coefficients = backward_elimination(design, noise, significance=5.0)
    assert len(chosen) == len(coefficients) == 0


def test_of_few_rows_nothing_is_significant() -> None:
    design, y = rows(0.0)
    chosen, _ = backward_elimination(design[:3, :3], y[:3], significance=1e9)
    assert len(chosen) == 0


def test_columns_of_zeros_are_left_out() -> None:
    chosen, coefficients = backward_elimination(np.zeros((5, 2)), np.ones(5))
    assert len(chosen) == len(coefficients) == 0


def test_forward_selection_takes_the_columns_of_the_law_out_of_more_than_there_are_rows() -> None:
    random = np.random.default_rng(4)
    design = random.standard_normal((60, 150))
    target = design[:, [7, 80, 149]] @ [1.0, -2.0, 3.0] + 5.0
    assert forward_selection(design, target, 20).tolist() == [7, 80, 149]


def test_forward_selection_takes_no_more_than_it_may() -> None:
    random = np.random.default_rng(4)
    assert len(forward_selection(random.standard_normal((60, 150)), random.random(60), 5)) == 5

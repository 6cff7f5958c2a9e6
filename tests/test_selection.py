"""Which terms of a least squares fit stay."""

from __future__ import annotations

import numpy as np
import pytest

from nalu_cli.selection import most_significant


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.1])
def test_only_the_terms_of_the_law_stay(noise: float) -> None:
    rng = np.random.default_rng(5)
    design = rng.normal(size=(600, 20)) * 10.0 ** rng.integers(-3, 4, 20)
    truth = 2.5 * design[:, 3] - design[:, 7] + 4 * design[:, 11]
    y = truth + noise * np.std(truth) * rng.standard_normal(600)
    chosen, coefficients = most_significant(design, y)
    assert sorted(chosen) == [3, 7, 11]
    left = design[:, chosen] @ coefficients - truth
    assert np.std(left) <= 0.15 * noise * np.std(truth) + 1e-12 * np.std(truth)


def test_noise_alone_keeps_hardly_a_term() -> None:
    rng = np.random.default_rng(6)
    design, y = rng.normal(size=(400, 30)), rng.standard_normal(400)
    chosen, coefficients = most_significant(design, y)
    assert np.var(y - design[:, chosen] @ coefficients) > 0.9 * np.var(y)


def test_columns_of_zeros_are_never_chosen() -> None:
    rng = np.random.default_rng(7)
    design = rng.normal(size=(50, 4))
    design[:, 2] = 0.0
    chosen, _ = most_significant(design, design[:, 0] + design[:, 1])
    assert sorted(chosen) == [0, 1]

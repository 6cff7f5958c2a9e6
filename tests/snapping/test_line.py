"""The linear model of numbers that are free, against least squares in full."""

from __future__ import annotations

import numpy as np
import pytest
from tables import Floats

from nalu_cli.snapping.line import Line

SCALES = np.array([1.0, 20.0, 0.3, 1.0])


def model(seed: int) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    return random.normal(size=(50, 4)) * 300, random.normal(size=50)


@pytest.mark.parametrize("seed", range(3))
def test_shifts_and_errors_are_those_of_least_squares(seed: int) -> None:
    slopes, residual = model(seed)
    free = np.array([0, 1, 3])
    line = Line(slopes, residual, SCALES, free)
    best, squares, *_ = np.linalg.lstsq(slopes[:, free], -residual, rcond=None)
    errors = np.sqrt(np.diag(np.linalg.inv(slopes[:, free].T @ slopes[:, free])))
    np.testing.assert_allclose(line.shifts * SCALES[free], best, rtol=1e-4)
    np.testing.assert_allclose(line.errors * SCALES[free], errors, rtol=1e-4)
    assert line.squares == pytest.approx(float(squares[0]), rel=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_where_some_are_set_the_others_follow(seed: int) -> None:
    slopes, residual = model(seed)
    line = Line(slopes, residual, SCALES, np.arange(4))
    at = line.places([2, 0])
    assert at == [2, 0]
    moves, squares, bits = line.followed(at, np.array([0.02, -0.01]))
    assert moves[[2, 0]] == pytest.approx([0.02, -0.01])
    shifted = residual + slopes[:, 2] * 0.3 * 0.02 - slopes[:, 0] * 0.01
    rest = Line(slopes, shifted, SCALES, np.array([1, 3]))
    np.testing.assert_allclose(moves[[1, 3]], rest.shifts, rtol=1e-4)
    assert squares == pytest.approx(rest.squares, rel=1e-4)
    assert bits == pytest.approx(rest.bits)


def test_what_is_told_of_all_is_told_of_one_after_the_other() -> None:
    """In every order; so what a setting is likely to take does not hang on how it came about."""
    slopes, residual = model(5)
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        left, told = list(range(4)), 0.0
        for number in order:
            line = Line(slopes, residual, SCALES, np.array(left))
            told -= float(np.log2(line.errors[left.index(number)]))
            left.remove(number)
        assert told == pytest.approx(Line(slopes, residual, SCALES, np.arange(4)).bits)


def test_a_number_that_rows_do_not_tell_takes_no_bits() -> None:
    slopes, residual = model(6)
    slopes[:, 2] = 0
    line = Line(slopes, residual, SCALES, np.arange(4))
    assert line.errors[2] == pytest.approx(1)
    assert line.shifts[2] == pytest.approx(0, abs=1e-12)
    assert line.effects[2] == 0
    assert line.bits == pytest.approx(Line(slopes, residual, SCALES, np.array([0, 1, 3])).bits)


def test_of_no_number_only_the_errors_are_left() -> None:
    slopes, residual = model(7)
    line = Line(slopes, residual, SCALES, np.arange(0))
    assert line.bits == 0
    assert line.squares == pytest.approx(float(residual @ residual))

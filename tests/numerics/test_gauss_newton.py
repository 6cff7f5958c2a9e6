"""Damped Gauss-Newton: exponentials are fitted, and what cannot be fitted is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pytest
from numpy.typing import NDArray

from nalu_cli.numerics.gauss_newton import Damping, descend

Floats = NDArray[np.float64]

T = np.linspace(0, 2, 40)
DAMPING = Damping(lambda d: d + 1e-12, first=1e-3, least=1e-12, fall=10, rise=10, trials=8)


@dataclass(frozen=True, slots=True)
class Decay:
    """``a * exp(-b t)`` for targets y; b never becomes negative."""

    y: Floats
    parameters: Floats

    @property
    def residual(self) -> Floats:
        a, b = self.parameters
        return np.asarray(self.y - a * np.exp(-b * T))

    @property
    def misfit(self) -> float:
        return float(self.residual @ self.residual)

    def jacobian(self) -> Floats:
        a, b = self.parameters
        return np.column_stack([np.exp(-b * T), -a * T * np.exp(-b * T)])

    def moved(self, parameters: Floats) -> Self | None:
        return None if parameters[1] < 0 else type(self)(self.y, parameters)


LAW = 3 * np.exp(-1.5 * T)


def test_the_parameters_of_an_exponential_are_found() -> None:
    found = descend(Decay(LAW, np.array([1.0, 0.5])), DAMPING, steps=50)
    assert found is not None
    np.testing.assert_allclose(found.parameters, [3.0, 1.5], rtol=1e-9)


def test_no_step_raises_the_misfit() -> None:
    noisy = LAW + np.random.default_rng(0).normal(0, 0.1, len(T))
    start = Decay(noisy, np.array([1.0, 0.5]))
    fits = [descend(start, DAMPING, steps=n) for n in range(8)]
    misfits = [fit.misfit for fit in fits if fit is not None]
    assert len(misfits) == 8
    assert misfits == sorted(misfits, reverse=True)
    assert fits[0] is start


def test_a_step_that_gains_too_little_is_the_last() -> None:
    noisy = LAW + np.random.default_rng(0).normal(0, 0.1, len(T))
    best = descend(Decay(noisy, np.array([1.0, 0.5])), DAMPING, steps=50)
    assert best is not None
    assert descend(best, DAMPING, steps=50, least_gain=1e-3) is best


def test_it_ends_when_it_is_done() -> None:
    steps: list[int] = []

    def is_done(step: int, misfit: float) -> bool:
        steps.append(step)
        return step == 2

    descend(Decay(LAW, np.array([1.0, 0.5])), DAMPING, steps=50, is_done=is_done)
    assert steps == [0, 1, 2]


@pytest.mark.parametrize("start", [[np.nan, 1.0], [1.0, -1e4]])
def test_a_start_without_a_value_is_refused(start: list[float]) -> None:
    with np.errstate(all="ignore"):
        assert descend(Decay(LAW, np.array(start)), DAMPING, steps=5) is None


def test_parameters_that_are_not_valid_end_the_fit() -> None:
    growing = np.exp(T)
    assert descend(Decay(growing, np.array([1.0, 0.1])), DAMPING, steps=50) is None

from __future__ import annotations

import numpy as np
import pytest

from nalu_cli.experiments.spread import Spread, SpreadKind


def draw(kind: SpreadKind, *parts: tuple[float, float], **rest: float) -> np.ndarray:
    return Spread(kind, parts, **rest).draw((20_000,), np.random.default_rng(0))


def test_a_uniform_spread_fills_its_intervals_alike() -> None:
    values = draw(SpreadKind.UNIFORM, (-6, -2), (2, 6))
    assert np.all((np.abs(values) >= 2) & (np.abs(values) <= 6))
    assert np.mean(values > 0) == pytest.approx(0.5, abs=0.02)
    assert np.mean(np.abs(values)) == pytest.approx(4, abs=0.03)


def test_a_normal_spread_is_cut_at_its_interval() -> None:
    values = draw(SpreadKind.NORMAL, (-2, 4), mean=1, scale=1)
    assert values.min() >= -2
    assert values.max() <= 4
    assert values.mean() == pytest.approx(1, abs=0.02)
    assert values.std() == pytest.approx(1, abs=0.03)
    far = draw(SpreadKind.NORMAL, (1, 2), mean=0, scale=1)
    assert far.min() >= 1
    assert far.mean() == pytest.approx(1.383, abs=0.01)  # of a normal distribution cut there


def test_an_exponential_spread_has_its_scale_as_mean() -> None:
    assert draw(SpreadKind.EXPONENTIAL, (0, 1), scale=0.2).mean() == pytest.approx(0.2, abs=0.005)


def test_leading_digits_of_a_log_spread_follow_benford() -> None:
    values = draw(SpreadKind.LOG, (10, 1000))
    first = (values / 10 ** np.floor(np.log10(values))).astype(int)
    for digit in range(1, 10):
        assert np.mean(first == digit) == pytest.approx(np.log10(1 + 1 / digit), abs=0.01)


@pytest.mark.parametrize(
    ("kind", "parts", "scale"),
    [
        (SpreadKind.UNIFORM, (), 1.0),
        (SpreadKind.LOG, ((0.0, 1.0),), 1.0),
        (SpreadKind.NORMAL, ((0.0, 1.0), (2.0, 3.0)), 1.0),
        (SpreadKind.NORMAL, ((0.0, 1.0),), 0.0),
        (SpreadKind.EXPONENTIAL, ((0.0, 1.0),), float("nan")),
    ],
)
def test_what_is_no_distribution_is_refused(
    kind: SpreadKind, parts: tuple[tuple[float, float], ...], scale: float
) -> None:
    with pytest.raises(ValueError, match="range"):
        Spread(kind, parts, scale=scale)

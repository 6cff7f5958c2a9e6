from __future__ import annotations

import zlib

import numpy as np
import pytest
from problems import hiding, law

from nalu_cli.errors import DataError
from nalu_cli.experiments.known_law import Distribution, KnownLaw, Part, Variable
from nalu_cli.experiments.sampling import law_rows, root_mean_square


def one(distribution: Distribution, **rest: object) -> KnownLaw:
    variable = Variable("a", (2, 6), (6, 14), distribution, **rest)  # type: ignore[arg-type]
    return KnownLaw("law", "a", "y", (variable,))


def test_rows_come_from_a_generator_of_seed_name_and_part() -> None:
    random = np.random.default_rng(np.random.SeedSequence([3, zlib.crc32(b"law"), 0]))
    a, b = random.uniform(1, 5, 256), random.uniform(1, 5, 256)
    y = (a / b)[:200]
    noisy = y + 0.1 * np.sqrt(np.mean(y**2)) * random.standard_normal(200)
    rows = law_rows(law("a/b", "a", "b"), Part.TRAIN, 200, seed=3, noise=0.1)
    assert np.array_equal(rows.X, np.column_stack([a, b])[:200])
    np.testing.assert_allclose(rows.y, noisy, rtol=1e-13)


def test_seeds_names_and_parts_differ_and_extrapolation_is_exact() -> None:
    ohm = law("a*b", "a", "b")
    rows = law_rows(ohm, Part.TRAIN, 50, seed=0)
    assert np.array_equal(rows.X, law_rows(ohm, Part.TRAIN, 50, seed=0, noise=1).X)
    assert not np.array_equal(rows.X, law_rows(ohm, Part.TRAIN, 50, seed=1).X)
    other = law("a*b", "a", "b", name="other")
    assert not np.array_equal(rows.X, law_rows(other, Part.TRAIN, 50, seed=0).X)
    far = law_rows(ohm, Part.EXTRAPOLATION, 50, seed=0, noise=1)
    assert far.X.min() >= 5
    assert np.array_equal(far.y, far.X[:, 0] * far.X[:, 1])


@pytest.mark.parametrize(
    ("distribution", "low", "high"),
    [
        (Distribution.UNIFORM, 2, 6),
        (Distribution.LOG, 2, 6),
        (Distribution.LOG_NEGATIVE, -6, -2),
        (Distribution.LOG_EITHER_SIGN, -6, 6),
        (Distribution.INTEGER, 2, 6),
        (Distribution.INTEGER_EITHER_SIGN, -6, 6),
    ],
)
def test_values_fill_their_range(distribution: Distribution, low: float, high: float) -> None:
    values = law_rows(one(distribution), Part.TRAIN, 2000, seed=0).X[:, 0]
    assert values.min() == pytest.approx(low, abs=0.02)
    assert values.max() == pytest.approx(high, abs=0.02)
    assert np.all((np.abs(values) >= 2) & (np.abs(values) <= 6))
    if distribution.startswith("integer"):
        assert set(np.abs(values)) == {2, 3, 4, 5, 6}
    middle = np.median(np.abs(values))
    assert middle == pytest.approx(12**0.5 if distribution.startswith("log") else 4, abs=0.15)


def test_a_range_may_lie_on_both_sides_and_values_may_be_rounded() -> None:
    sides = one(Distribution.UNIFORM, extrapolation_low=(-14, -6), decimals=1)
    values = law_rows(sides, Part.EXTRAPOLATION, 1000, seed=0).X[:, 0]
    assert np.all((np.abs(values) >= 6) & (np.abs(values) <= 14))
    assert 0.4 < np.mean(values < 0) < 0.6
    assert np.array_equal(values, np.round(values, 1))
    assert law_rows(sides, Part.TRAIN, 1000, seed=0).X.min() >= 2


def test_a_hidden_variable_is_drawn_as_any_other() -> None:
    seen = law("a*b", "a", "b")
    rows, other = (law_rows(k, Part.TRAIN, 50, seed=0) for k in (seen, hiding(seen, "b")))
    assert np.array_equal(rows.X, other.X)
    assert np.array_equal(rows.y, other.y)


def test_rows_outside_the_domain_are_drawn_again() -> None:
    inside = law("sqrt(a - b)", "a", "b", positive=("a - 2*b",))
    rows = law_rows(inside, Part.TRAIN, 300, seed=0)
    assert len(rows) == 300
    assert np.all(rows.X[:, 0] > 2 * rows.X[:, 1])


def test_a_law_that_is_undefined_everywhere_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nalu_cli.experiments.sampling.MOST_BATCHES", 3)
    with pytest.raises(DataError, match="defined in 0 of 768 rows drawn, and 5 are needed"):
        law_rows(law("sqrt(-a)", "a"), Part.TRAIN, 5, seed=0)


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300])
def test_the_root_mean_square_neither_overflows_nor_underflows(size: float) -> None:
    assert root_mean_square(size * np.array([3.0, -4.0])) == pytest.approx(size * 12.5**0.5)
    assert root_mean_square(np.zeros(3)) == 0


def test_a_printed_table_has_so_many_digits_everywhere() -> None:
    known = law("a/b", "a", "b").printed(4)
    rows = law_rows(known, Part.TRAIN, 100, seed=0)
    full = law_rows(law("a/b", "a", "b"), Part.TRAIN, 100, seed=0)
    assert np.array_equal(rows.X, [[float(f"{x:.4g}") for x in row] for row in full.X])
    # the target is that of the printed inputs, and printed in turn
    ratios = rows.X[:, 0] / rows.X[:, 1]
    assert list(rows.y) == [float(f"{ratio:.4g}") for ratio in ratios]
    far = law_rows(known, Part.EXTRAPOLATION, 100, seed=0)
    assert np.array_equal(far.y, far.X[:, 0] / far.X[:, 1])
    assert np.array_equal(far.X, law_rows(law("a/b", "a", "b"), Part.EXTRAPOLATION, 100, seed=0).X)
    assert law("a", "a").printed(None) == law("a", "a")

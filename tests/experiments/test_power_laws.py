from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from problems import law

from nalu_cli.experiments.known_law import Distribution, KnownLaw, Part, Rows, Variable
from nalu_cli.experiments.power_laws import power_law, power_trials
from nalu_cli.experiments.power_product import has_powers_of, power_product, tells_numbers
from nalu_cli.experiments.sampling import law_rows, printed
from nalu_cli.experiments.trial import Conditions
from nalu_cli.experiments.trial_run import trial_rows
from nalu_cli.experiments.written_formula import read_formula

PIPE = KnownLaw(
    name="pipe",
    formula="0.023*Re**0.8*Pr**0.4",
    target="Nu",
    variables=(
        Variable("Re", (1e4, 1e5), (1e5, 2e5), Distribution.LOG, digits=4),
        Variable("Pr", (0.7, 100), (100, 200), Distribution.LOG, digits=4),
    ),
    digits=4,
)


def numbers(text: str) -> tuple[float, dict[str, float]] | None:
    found = power_product(read_formula(text, ["a", "b"]))
    if found is None:
        return None
    return float(found.coefficient), {name: float(e) for name, e in found.exponents.items()}


@pytest.mark.parametrize(
    ("text", "coefficient", "exponents"),
    [
        ("0.5*a**0.8/b", 0.5, {"a": 0.8, "b": -1}),
        ("2*sqrt(a*b)*a**0.3", 2, {"a": 0.8, "b": 0.5}),
        ("(4*a**2*b)**0.5", 2, {"a": 1, "b": 0.5}),
        ("-abs(a)**(2/3)", -1, {"a": 2 / 3}),
        ("7", 7, {}),
    ],
)
def test_the_numbers_of_a_product_are_read(
    text: str, coefficient: float, exponents: dict[str, float]
) -> None:
    found = numbers(text)
    assert found is not None
    assert found[0] == pytest.approx(coefficient)
    assert found[1] == pytest.approx(exponents)


@pytest.mark.parametrize("text", ["a + b", "a**0.8 + 1e-9", "a*(1 + b)"])
def test_sums_are_no_products(text: str) -> None:
    assert numbers(text) is None


@pytest.mark.parametrize(
    ("found", "same"),
    [("0.024*Re**0.79*sqrt(Pr)", True), ("Re", False), ("Re*Pr + 1", False), ("Re**", False)],
)
def test_the_same_columns_make_the_same_family(found: str, same: bool) -> None:
    assert has_powers_of(PIPE, found) == same


def test_rows_tell_numbers_that_many_digits_carry() -> None:
    rows = law_rows(PIPE, Part.TRAIN, 60, seed=0)
    assert tells_numbers(PIPE, rows)
    # two digits over a narrow range print the same for 0.800 and 0.801
    coarse = replace(PIPE, formula="0.0231*Re**0.801*Pr**0.4", digits=2)
    near = Rows(rows.X[:15], printed(0.0231 * rows.X[:15, 0] ** 0.801 * rows.X[:15, 1] ** 0.4, 2))
    assert not tells_numbers(coarse, near)


def test_what_is_not_told_has_a_rival_that_prints_the_same() -> None:
    narrow = law("3*a**0.512", "a", low=1, high=1.1, digits=2)
    rows = law_rows(narrow, Part.TRAIN, 30, seed=0)
    assert not tells_numbers(narrow, rows)
    assert np.array_equal(printed(3 * rows.X[:, 0] ** 0.513, 2), rows.y)
    fine = replace(narrow, digits=6)
    assert tells_numbers(fine, law_rows(fine, Part.TRAIN, 30, seed=0))


def test_a_seed_and_an_index_make_a_law() -> None:
    assert power_law(3, 7) == power_law(3, 7)
    drawn = [power_law(0, index) for index in range(60)]
    assert len({law.formula for law in drawn}) == 60
    assert {len(law.names) for law in drawn} == {1, 2, 3, 4, 5}
    for known in drawn:
        found = power_product(read_formula(known.formula, known.names))
        assert found is not None
        assert set(found.exponents) == set(known.names)
        assert all(0 < abs(e) <= 3 and 1000 % e.q == 0 for e in found.exponents.values())
        assert 15 <= known.n_rows <= 100
        assert known.digits in (3, 4, 5)
        for variable in known.variables:
            low, high = variable.train
            assert 0.49 < np.log10(high / low) < 2.01
            assert variable.extrapolation == (high, 2 * high)


def test_trials_are_counted_by_columns_and_by_what_the_rows_tell() -> None:
    trials = power_trials(30, 0, Conditions())
    assert [trial.law.name for trial in trials] == [f"power_{index}" for index in range(30)]
    assert {trial.labels[1] for trial in trials} <= {"told by the rows", "not told"}
    assert all(trial.labels[0] == str(len(trial.law.names)) for trial in trials)
    rows = trial_rows(trials[0], Part.TRAIN)
    digits = trials[0].law.digits
    assert digits is not None
    assert np.array_equal(rows.y, printed(rows.y, digits))

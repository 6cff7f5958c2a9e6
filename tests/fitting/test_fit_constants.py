"""Constants of circuits: moved about without changing the value, fitted, and honestly uncertain."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from answers import product, total, weighted
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import circuits
from tables import Floats, uniform

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind, exponent_of
from nalu_cli.circuit.constants import Place, constants_of, with_constants, without_constants
from nalu_cli.circuit.relaxed import relax
from nalu_cli.circuit.rounding_error import rounding_bound
from nalu_cli.fitting.fit_constants import refit
from nalu_cli.fitting.levenberg_marquardt import evaluate_relaxed
from nalu_cli.refine.balance import balance
from nalu_cli.rows import Rows

SUM = UnitKind.SUM


def agrees_with(circuit: Circuit, x: Floats, values: Floats, slack: float) -> None:
    """Fail if values differ by more than rounding where rounding leaves digits at all."""
    inside, bound = rounding_bound(circuit, x)
    usable = np.isfinite(bound) & (np.abs(inside) < 1e100) & (np.abs(inside) > 1e-100)
    usable &= bound < 1e-9 * np.abs(inside)
    assume(usable.any())
    # bounds are multiples of 1.1e-16: what else moves a constant moves the value in proportion
    assert (np.abs(values - inside)[usable] <= slack * bound[usable]).all()


@given(circuits(), st.integers(0, 9))
@settings(suppress_health_check=[HealthCheck.filter_too_much])
def test_balance_keeps_the_values(circuit: Circuit, seed: int) -> None:
    x = uniform(seed, 20, circuit.n_columns, low=-3, high=3)
    agrees_with(circuit, x, balance(circuit).evaluate(x), 2000.0)


@given(circuits(), st.integers(0, 9))
@settings(suppress_health_check=[HealthCheck.filter_too_much])
def test_a_relaxed_circuit_computes_the_same(circuit: Circuit, seed: int) -> None:
    x = uniform(seed, 20, circuit.n_columns, low=0.5, high=3)
    agrees_with(circuit, x, evaluate_relaxed(relax(circuit), x)[0], 100.0)


@given(circuits())
def test_constants_put_back_give_the_same_circuit(circuit: Circuit) -> None:
    assert with_constants(circuit, constants_of(circuit)) == circuit


@given(circuits())
def test_without_constants_there_are_none_but_1_and_what_had_none_is_as_it_was(
    circuit: Circuit,
) -> None:
    plain = without_constants(circuit)
    assert {abs(value) for value in constants_of(plain).values()} <= {1.0}
    assert without_constants(plain) == plain


def test_the_nearest_of_minus_1_0_and_1_stands_for_a_constant() -> None:
    sums = weighted((0, 1.02), (1, -0.9), (2, 0.3), offset=0.2)
    (plain,) = without_constants(Circuit(3, ((sums,),))).layers[0]
    assert plain == weighted((0, 1.0), (1, -1.0))
    scaled = Circuit(1, ((Unit(UnitKind.PRODUCT, (Term(0, Fraction(2)),), -0.01),),))
    assert without_constants(scaled).layers[0][0].constant == -1.0


@given(circuits(), st.floats(0.5, 2.0))
def test_constants_that_are_set_are_there(circuit: Circuit, factor: float) -> None:
    values = {p: v * factor for p, v in constants_of(circuit).items()}
    found = constants_of(with_constants(circuit, values))
    neutral = {
        p
        for p, v in values.items()
        if v == (0.0 if p.source is None and circuit.layers[p.layer][p.unit].kind is SUM else 1.0)
        or (p.source is not None and abs(v) == 1.0)
    }
    assert found == {p: v for p, v in values.items() if p not in neutral}


def test_a_coefficient_of_zero_is_no_term() -> None:
    circuit = Circuit(2, ((weighted((0, 2.0), (1, -3.0), offset=1.0),),))
    found = with_constants(circuit, {Place(0, 0, 1): 0.0})
    assert [t.source for t in found.layers[0][0].terms] == [0]


def powers(*exponents: float, scale: float = 1.0) -> Circuit:
    """The product of powers of as many columns."""
    terms = tuple(Term(j, exponent_of(e)) for j, e in enumerate(exponents))
    return Circuit(len(terms), ((Unit(UnitKind.PRODUCT, terms, scale),),))


def test_real_exponents_are_constants_and_rational_ones_are_not() -> None:
    circuit = powers(0.7983417, 0.8, 2 / 3, -0.5)
    assert constants_of(circuit) == {Place(0, 0, 0): 0.7983417}
    assert with_constants(circuit, {Place(0, 0, 0): 0.8}) == powers(0.8, 0.8, 2 / 3, -0.5)
    removed = with_constants(circuit, {Place(0, 0, 0): 0.0, Place(0, 0, 2): 0.7})
    assert [(t.source, t.weight) for t in removed.layers[0][0].terms] == [
        (1, Fraction(4, 5)),
        (2, Fraction(7, 10)),
        (3, Fraction(-1, 2)),
    ]
    with pytest.raises(ValueError, match="no product has the exponent"):
        with_constants(circuit, {Place(0, 0, 0): 25.0})


def test_the_nearest_half_stands_for_a_real_exponent() -> None:
    assert without_constants(powers(0.7983417, -1.3333, 0.0123457)) == powers(1.0, -1.5, 0.5)


def test_exponents_of_clean_data_become_rational() -> None:
    x = uniform(7, 200, 2, low=0.5, high=9)
    law = powers(0.8, 2 / 3, scale=0.023)
    found, spread = refit(powers(0.7983417, 0.6712345, scale=0.02), Rows(x, law.evaluate(x)))
    assert found.layers[0][0].terms == law.layers[0][0].terms
    assert spread.keys() == {Place(0, 0, None), Place(0, 0, 0), Place(0, 0, 1)}
    assert max(spread.values()) < 1e-14


def test_standard_errors_of_exponents_are_their_scatter() -> None:
    x, sigma, place = uniform(8, 80, 1, low=0.5, high=9), 0.05, Place(0, 0, 0)
    law = powers(0.7983417, scale=1.3)
    fits = []
    for seed in range(100):
        noise = sigma * np.random.default_rng(seed).standard_normal(80)
        found, spread = refit(law, Rows(x, law.evaluate(x) + noise), sigma=sigma)
        fits.append((constants_of(found)[place], spread[place]))
    estimates, errors = np.array(fits).T
    assert np.std(estimates) == pytest.approx(np.mean(errors), rel=0.25)
    assert abs(np.mean(estimates) - 0.7983417) < 4 * np.mean(errors) / 10


def test_an_exponent_of_what_is_negative_is_left_as_it_is() -> None:
    circuit, x = powers(0.7983417, scale=2.0), uniform(9, 50, 1, low=-3, high=3)
    found, spread = refit(circuit, Rows(x, np.abs(x[:, 0])))
    assert found == circuit
    assert spread.keys() == constants_of(circuit).keys()


def test_factors_of_sums_go_to_the_product_above() -> None:
    quotient = Circuit(
        3,
        (
            (weighted((0, 2.0), (1, 4.0)), weighted((2, 6.0), offset=6.0)),
            (product((0, 1), (1, -1)),),
        ),
    )
    values = sorted(constants_of(balance(quotient)).values())
    # (a + 2 b)/(c + 1)/3, or the same turned round
    assert len(values) <= 3
    assert not {4.0, 6.0} & {abs(v) for v in values}


def test_the_scale_of_a_product_used_once_goes_to_what_uses_it() -> None:
    units = (product((0, 1), (1, 1), scale=16.0), product((0, 2), scale=3.0))
    once = Circuit(2, (units, (weighted((0, 0.0625), (1, 1.0)),)))
    assert sorted(constants_of(balance(once)).values()) == [3.0]
    twice = Circuit(
        2, (units, (weighted((0, 0.5), (1, 1.0)), weighted((1, 7.0))), (product((0, 1), (1, 1)),))
    )
    assert Place(0, 1, None) in constants_of(balance(twice))


def test_under_a_root_no_sign_is_moved() -> None:
    root = Circuit(2, ((weighted((0, -3.0), (1, -3.0), offset=50.0),), (product((0, 0.5)),)))
    x = uniform(1, 20, 2)
    np.testing.assert_allclose(balance(root).evaluate(x), root.evaluate(x), rtol=1e-14)


LAWS = {
    "0.7*a*b/c": Circuit(3, ((product((0, 1), (1, 1), (2, -1), scale=0.7),),)),
    "3.3*a - b/7 + 1e-3": Circuit(3, ((weighted((0, 3.3), (1, -1 / 7), offset=1e-3),),)),
    "(a + 2.2*b)/(c + 0.13)": Circuit(
        3,
        (
            (weighted((0, 1.0), (1, 2.2)), weighted((2, 1.0), offset=0.13)),
            (product((0, 1), (1, -1)),),
        ),
    ),
    "1.7*sqrt(a**2 + 0.3*b)": Circuit(
        3,
        (
            (product((0, 2)),),
            (weighted((0, 1.0), (2, 0.3)),),
            (product((0, 0.5), scale=1.7),),
        ),
    ),
}


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("off", [1e-12, 1e-6, 1e-3])
def test_constants_of_clean_data_are_recovered(name: str, off: float) -> None:
    law, x = LAWS[name], uniform(2, 300, 3)
    rows = Rows(x, law.evaluate(x))
    true = constants_of(law)
    signs = np.where(np.arange(len(true)) % 2, 1, -1)
    start = {p: v * (1 + s * off) for (p, v), s in zip(true.items(), signs, strict=True)}
    found, spread = refit(with_constants(law, start), rows)
    for place, value in constants_of(found).items():
        # an offset is known as well as the largest number it is added to
        floor = 4e-15 if place.source is None and abs(value) < 0.1 else 0.0
        assert abs(value - true[place]) <= 1e-14 * abs(true[place]) + floor
        assert spread[place] < 1e-14
    assert set(spread) == set(true)


@pytest.mark.parametrize("name", LAWS)
def test_fixed_constants_stay_and_the_others_follow(name: str) -> None:
    law, x = LAWS[name], uniform(2, 300, 3)
    true = constants_of(law)
    place = next(iter(true))
    start = with_constants(law, {p: v * 1.001 for p, v in true.items()})
    found, spread = refit(start, Rows(x, law.evaluate(x)), fixed={place})
    assert constants_of(found)[place] == constants_of(start)[place]
    assert place not in spread


@pytest.mark.parametrize("name", ["0.7*a*b/c", "3.3*a - b/7 + 1e-3", "(a + 2.2*b)/(c + 0.13)"])
def test_standard_errors_are_the_scatter_of_the_estimates(name: str) -> None:
    law, sigma, runs = LAWS[name], 0.05, 200
    x = uniform(3, 80, 3)
    y = law.evaluate(x)
    places = list(constants_of(law))
    estimates, errors = [], []
    for seed in range(runs):
        noise = sigma * np.random.default_rng(seed).standard_normal(len(y))
        found, spread = refit(law, Rows(x, y + noise), sigma=sigma)
        estimates.append([constants_of(found)[p] for p in places])
        errors.append([spread[p] for p in places])
    scatter, claimed = np.std(estimates, axis=0), np.mean(errors, axis=0)
    # the scatter itself is known to 1/sqrt(2 runs) = 5 %
    np.testing.assert_allclose(scatter, claimed, rtol=0.2)
    true = np.array([constants_of(law)[p] for p in places])
    assert (np.abs(np.mean(estimates, axis=0) - true) < 4 * claimed / math.sqrt(runs)).all()


TWO_FACTORS = Circuit(2, ((weighted((0, 2.0)), weighted((1, 2.0))), (product((0, 1), (1, -1)),)))
"""2*a/(2*b): a factor can be handed from one sum to the other."""


def test_a_direction_without_effect_is_left_alone() -> None:
    x = uniform(4, 50, 2)
    y = 1.01 * x[:, 0] / x[:, 1]
    found, _ = refit(TWO_FACTORS, Rows(x, y))
    np.testing.assert_allclose(found.evaluate(x), y, rtol=1e-14)
    assert sorted(constants_of(found).values()) == pytest.approx([1.99, 2.01], abs=1e-3)


@pytest.mark.parametrize("factor", [0.1, 2.9, 3.0, 3.1, 30.0])
def test_a_step_too_far_is_not_taken(factor: float) -> None:
    x = uniform(4, 50, 2)
    y = factor * x[:, 0] / x[:, 1]
    found, _ = refit(TWO_FACTORS, Rows(x, y))
    before, after = (np.abs(c.evaluate(x) - y).max() for c in (TWO_FACTORS, found))
    assert after <= before


def test_a_refit_never_fits_worse() -> None:
    circuit = Circuit(1, ((weighted((0, 1.5)),), (product((0, 0.5)),)))
    x = uniform(5, 60, 1, low=0.1)
    y = np.log(x[:, 0]) + 3

    def misfit(c: Circuit) -> float:
        return float(np.mean((c.evaluate(x) - y) ** 2))

    assert misfit(refit(circuit, Rows(x, y), sigma=0.1)[0]) < misfit(circuit)


def test_without_constants_there_is_nothing_to_fit() -> None:
    circuit = Circuit(2, ((total((0, 1), (1, -1)),),))
    x = uniform(6, 20, 2)
    assert refit(circuit, Rows(x, x[:, 0])) == (circuit, {})


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_columns_of_any_size_have_a_coefficient_and_its_error(size: float) -> None:
    x = uniform(9, 100, 1) * size
    noise = 0.01 * np.random.default_rng(10).standard_normal(100)
    rows = Rows(x, 2 * x[:, 0] / size + noise)
    fitted, spread = refit(Circuit(1, ((weighted((0, 1.9 / size)),),)), rows, sigma=0.01)
    (place,) = spread
    assert constants_of(fitted)[place] * size == pytest.approx(2, abs=0.01)
    assert spread[place] * size == pytest.approx(0.01 / np.linalg.norm(x / size), rel=1e-6)

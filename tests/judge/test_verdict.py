"""What may be claimed: exact only for laws, on every row; noise only when it looks like noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from answers import total, weighted
from judged import LAW, PRODUCT, far_out, printed_problem
from tables import Floats, problem_of, uniform

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.fitting.fit_constants import refit
from nalu_cli.judge.judged import errors_on, weigh
from nalu_cli.judge.verdict import fitted_on_all_rows, fitted_on_training_rows, verdict
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows
from nalu_cli.search.relations.null_space import relations
from nalu_cli.settings import Status


def judged(circuit: Circuit, problem: Problem) -> Status:
    return verdict(weigh(circuit, problem, found_by="test"), problem)[0]


def test_a_law_is_exact() -> None:
    x = far_out(uniform(1, 200, 2))
    candidate = weigh(PRODUCT, problem_of(x, x[:, 1] * x[:, 0]), found_by="test")
    assert candidate.is_exact
    assert verdict(candidate, problem_of(x, x[:, 1] * x[:, 0])) == (Status.EXACT, 0.0, ())


@pytest.mark.parametrize("row", [0, 100, 165, 199], ids=["train", "inner", "near", "far"])
@pytest.mark.parametrize("off", [1e-3, 1e-12])
def test_one_row_that_disagrees_anywhere_is_enough(row: int, off: float) -> None:
    x = far_out(uniform(1, 200, 2))
    y = x[:, 0] * x[:, 1]
    y[row] *= 1 + off
    assert judged(PRODUCT, problem_of(x, y)) is not Status.EXACT


def test_agreement_on_the_training_rows_alone_is_no_law() -> None:
    x = far_out(uniform(2, 300, 2))
    y = x[:, 0] * x[:, 1]
    y[-30:] += x[-30:, 0] - 3
    problem = problem_of(x, y)
    assert errors_on(PRODUCT, problem.train).rmse == 0
    assert judged(PRODUCT, problem) not in (Status.EXACT, Status.WITHIN_NOISE)


SMOOTH: dict[str, Callable[[Floats], Floats]] = {
    "exp": np.exp,
    "sin": np.sin,
    "tanh": np.tanh,
    "log": lambda x: np.log(x + 1e-300),
    "log1p": np.log1p,
    "erf": lambda x: np.array([math.erf(v) for v in x]),
    "cosh": np.cosh,
    "power": lambda x: x**math.pi,
}


def chebyshev(function: Callable[[Floats], Floats], low: float, high: float) -> Circuit:
    """A polynomial as close to the function as doubles allow, as a circuit of powers."""
    x = np.linspace(low, high, 500)
    series = np.polynomial.Chebyshev.fit(x, function(x), 12).convert(kind=np.polynomial.Polynomial)
    powers = tuple(Unit(UnitKind.PRODUCT, (Term(0, Fraction(k)),), 1.0) for k in range(1, 13))
    sums = tuple((k, float(c)) for k, c in enumerate(series.coef[1:]) if c)
    return Circuit(1, (powers, (weighted(*sums, offset=float(series.coef[0])),)))


@pytest.mark.parametrize("name", SMOOTH)
def test_a_polynomial_through_a_smooth_function_is_not_exact(name: str) -> None:
    x = far_out(uniform(3, 1000, 1, low=0, high=1))
    y = SMOOTH[name](x[:, 0])
    assert judged(chebyshev(SMOOTH[name], 0, 1), problem_of(x, y)) is not Status.EXACT


@pytest.mark.slow
@pytest.mark.parametrize(("name", "low", "high"), [("exp", 1.0, 4.0), ("sin", 0.0, 1.0)])
def test_no_relation_of_a_smooth_function_is_exact(name: str, low: float, high: float) -> None:
    x = far_out(uniform(4, 1000, 1, low=low, high=high))
    problem = problem_of(x, SMOOTH[name](x[:, 0]))
    circuits = [
        circuit
        for relation in relations(problem.train, most_columns=40)
        for circuit in relation.circuits(problem.train)
    ]
    assert circuits
    for circuit in circuits:
        with np.errstate(all="ignore"):
            fitted = refit(circuit, problem.train)[0]
        assert judged(fitted, problem) is not Status.EXACT


def test_noise_is_noise() -> None:
    rng = np.random.default_rng(5)
    x = far_out(uniform(5, 400, 2))
    for share in (1e-6, 0.01, 0.1):
        y = x[:, 0] * x[:, 1]
        y = y + share * np.std(y) * rng.standard_normal(400)
        problem = problem_of(x, y)
        status, noise, caveats = verdict(weigh(PRODUCT, problem, found_by="test"), problem)
        assert status is Status.WITHIN_NOISE
        size = share * np.std(x[:, 0] * x[:, 1]) / np.sqrt(np.mean(y**2))
        assert noise == pytest.approx(size, rel=0.15)
        assert caveats == ()


@pytest.mark.parametrize(
    "rest",
    [
        lambda x: 0.1 * np.sin(3 * x[:, 0]),
        lambda x: 0.05 * x[:, 0],
        lambda x: 0.02 * (x[:, 0] - 2.5) * (x[:, 1] - 2.5),
        lambda x: 0.05 * (x[:, 1] > 2),
    ],
    ids=["wave", "line", "interaction", "step"],
)
def test_what_follows_a_column_is_not_noise(rest: Callable[[Floats], Floats]) -> None:
    rng = np.random.default_rng(6)
    x = uniform(6, 1000, 2)
    y = x[:, 0] * x[:, 1] + rest(x) + 0.005 * rng.standard_normal(1000)
    problem = problem_of(x, y)
    status, _, caveats = verdict(weigh(PRODUCT, problem, found_by="test"), problem)
    assert status is Status.APPROXIMATE
    assert any("not noise" in caveat for caveat in caveats)


def test_what_follows_a_column_the_formula_does_not_use_is_not_noise() -> None:
    rng = np.random.default_rng(7)
    x = uniform(7, 1000, 3)
    y = x[:, 0] * x[:, 1] + 0.05 * x[:, 2] + 0.01 * rng.standard_normal(1000)
    problem = problem_of(x, y)
    law = Circuit(3, PRODUCT.layers)
    status, _, caveats = verdict(weigh(law, problem, found_by="test"), problem)
    assert status is Status.APPROXIMATE
    assert any("'c'" in caveat for caveat in caveats)


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_claimed_about_a_random_target(seed: int) -> None:
    x = uniform(seed, 300, 2)
    problem = problem_of(x, np.random.default_rng(seed + 10).uniform(1, 2, 300))
    middle = Circuit(2, ((total(offset=1.5),),))
    tilted = Circuit(2, ((weighted((0, 0.01), offset=1.48),),))
    assert judged(middle, problem) is Status.NONE
    assert judged(tilted, problem) is Status.NONE


@pytest.mark.parametrize("seed", range(20))
def test_pure_noise_is_rarely_taken_for_structure(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = uniform(seed, 300, 2)
    y = x[:, 0] * x[:, 1] + 0.1 * rng.standard_normal(300)
    assert judged(PRODUCT, problem_of(x, y)) is Status.WITHIN_NOISE


def test_errors_that_grow_outside_are_no_noise() -> None:
    rng = np.random.default_rng(8)
    x = far_out(uniform(8, 500, 2))
    y = x[:, 0] * x[:, 1] + 0.01 * rng.standard_normal(500)
    y[-50:] += 0.1
    problem = problem_of(x, y)
    status, _, caveats = verdict(weigh(PRODUCT, problem, found_by="test"), problem)
    assert status is Status.APPROXIMATE
    assert any("outside" in caveat for caveat in caveats)


def through_five_rows() -> tuple[Circuit, Problem]:
    """Five constants through five rows."""
    x = uniform(13, 5, 1)
    y = np.random.default_rng(13).uniform(1, 2, 5)
    vandermonde = np.vander(x[:, 0], 5, increasing=True)
    c = np.linalg.solve(vandermonde, y)
    powers = tuple(Unit(UnitKind.PRODUCT, (Term(0, Fraction(k)),), 1.0) for k in range(1, 5))
    sums = tuple((k, float(v)) for k, v in enumerate(c[1:]))
    fit = Circuit(1, (powers, (weighted(*sums, offset=float(c[0])),)))
    return fit, problem_of(x, fit.evaluate(x), far=1, near=0)


def test_few_rows_do_not_prove_a_long_formula() -> None:
    assert judged(*through_five_rows()) is not Status.EXACT


def test_each_caveat_is_said_once() -> None:
    fit, many = through_five_rows()
    problem = replace(many, train=Rows(many.train.X[:3], many.train.y[:3]))
    caveats = verdict(weigh(fit, problem, found_by="test"), problem)[2]
    assert caveats
    assert len(caveats) == len(set(caveats))


def test_every_row_makes_constants_surer_but_those_of_a_test_file_have_no_part() -> None:
    rng = np.random.default_rng(4)
    x = far_out(uniform(3, 400, 1))
    y = 2.345 * x[:, 0] + 0.678 + 0.1 * rng.standard_normal(400)
    problem = problem_of(x, y, far=120)
    rough = Circuit(1, ((weighted((0, 2.3), offset=0.7),),))
    fitted, errors = refit(rough, problem.train, sigma=0.1)
    judged_once = weigh(fitted, problem, found_by="test", standard_errors=errors)
    again = fitted_on_all_rows(judged_once, problem)
    rows = problem.all_rows()
    design = np.column_stack([rows.X[:, 0], np.ones(len(rows))])
    slope, offset = np.linalg.lstsq(design, rows.y, rcond=None)[0]
    (unit,) = again.circuit.layers[0]
    assert [unit.terms[0].constant, unit.constant] == pytest.approx([slope, offset], rel=1e-6)
    assert all(again.standard_errors[place] < errors[place] for place in errors)
    tested = fitted_on_all_rows(judged_once, replace(problem, far_is_test=True))
    inner = design[:280]
    (unit,) = tested.circuit.layers[0]
    expected = np.linalg.lstsq(inner, rows.y[:280], rcond=None)[0]
    assert [unit.terms[0].constant, unit.constant] == pytest.approx(expected, rel=1e-6)


def test_what_is_said_of_far_rows_is_tested_with_constants_they_had_no_part_in() -> None:
    x = far_out(uniform(10, 400, 1))
    y = 2.345 * x[:, 0] + 0.1 * np.random.default_rng(11).standard_normal(400)
    problem = problem_of(x, y, far=120)
    slope = float(problem.all_rows().X[:, 0] @ problem.all_rows().y) / float(
        problem.all_rows().X[:, 0] @ problem.all_rows().X[:, 0]
    )
    chosen = weigh(Circuit(1, ((weighted((0, slope)),),)), problem, found_by="test")
    tested = fitted_on_training_rows(chosen, problem)
    (unit,) = tested.circuit.layers[0]
    train = problem.train
    alone = float(train.X[:, 0] @ train.y) / float(train.X[:, 0] @ train.X[:, 0])
    assert unit.terms[0].constant == pytest.approx(alone, rel=1e-9)
    assert unit.terms[0].constant != pytest.approx(slope, rel=1e-9)
    assert tested.found_by == chosen.found_by


def test_an_exact_formula_is_not_fitted_again() -> None:
    x = uniform(12, 100, 2)
    candidate = weigh(PRODUCT, problem_of(x, x[:, 0] * x[:, 1]), found_by="test")
    assert fitted_on_training_rows(candidate, problem_of(x, x[:, 0] * x[:, 1])) is candidate


def test_a_formula_without_a_value_on_some_row_is_tested_as_it_is() -> None:
    x = uniform(13, 100, 1, low=-3, high=3)
    root = Circuit(1, ((Unit(UnitKind.PRODUCT, (Term(0, Fraction(1, 2)),), 1.7),),))
    problem = problem_of(x, x[:, 0])
    tested = fitted_on_training_rows(weigh(root, problem, found_by="test"), problem)
    assert tested.circuit.layers[0][0].terms == root.layers[0][0].terms
    assert verdict(tested, problem)[0] is Status.NONE


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("decimals", [2, 3, 5])
def test_a_law_that_agrees_with_every_printed_digit_is_exact_as_printed(
    seed: int, decimals: int
) -> None:
    problem = printed_problem(seed, 40, decimals)
    candidate = weigh(LAW, problem, found_by="test")
    assert candidate.is_exact_as_printed
    assert candidate.is_law
    assert not candidate.is_exact
    assert verdict(candidate, problem) == (Status.EXACT_AS_PRINTED, 0.0, ())
    assert fitted_on_training_rows(candidate, problem) is candidate
    assert fitted_on_all_rows(candidate, problem) is candidate


@pytest.mark.parametrize("row", [0, 31, 33, 39], ids=["train", "inner", "near", "far"])
def test_one_row_off_by_a_unit_of_its_last_digit_is_enough(row: int) -> None:
    problem = printed_problem(1, 40, 3)
    parts = {name: getattr(problem, name) for name in ("train", "near", "far")}
    for name, part in parts.items():
        first = {"train": 0, "near": 32, "far": 36}[name]
        if first <= row < first + len(part):
            part.y[row - first] += 0.001
    assert judged(LAW, problem) is not Status.EXACT_AS_PRINTED


def test_a_few_rows_of_few_digits_cannot_tell_a_law_from_chance() -> None:
    x = uniform(2, 4, 2)
    fit = Circuit(2, ((weighted((0, 1.2345678), (1, -0.8765432), offset=3.1234567),),))
    y = np.round(fit.evaluate(x), 1)
    problem = problem_of(x, y, far=0, near=0)
    problem = problem.with_rows(lambda part: Rows(part.X, part.y, np.full(len(part), 0.05)))
    status, _, caveats = verdict(weigh(fit, problem, found_by="test"), problem)
    assert status is Status.APPROXIMATE
    (said,) = caveats
    assert said.startswith("agrees with every row as printed, but 4 rows of 2 digits")


@pytest.mark.parametrize("seed", range(5))
def test_no_line_through_random_digits_is_exact_as_printed(seed: int) -> None:
    x = uniform(seed, 5, 3)
    y = np.round(np.random.default_rng(seed).uniform(1, 9, 5), 1)
    design = np.column_stack([x, np.ones(5)])
    a, b, c, offset = map(float, np.linalg.lstsq(design, y, rcond=None)[0])
    line = Circuit(3, ((weighted((0, a), (1, b), (2, c), offset=offset),),))
    problem = problem_of(x, y, far=0, near=0)
    wide = problem.with_rows(lambda part: Rows(part.X, part.y, np.full(len(part), 1.0)))
    for asked in (problem, wide):
        assert judged(line, asked) not in (Status.EXACT, Status.EXACT_AS_PRINTED)


def test_agreement_that_the_inputs_digits_explain_is_told() -> None:
    x = far_out(uniform(4, 60, 2))
    y = np.round(LAW.evaluate(x), 4)
    seen = np.round(x, 2)
    problem = problem_of(seen, y).with_rows(
        lambda part: Rows(part.X, part.y, np.full(len(part), 5e-5), np.full(part.X.shape, 0.005))
    )
    status, noise, caveats = verdict(weigh(LAW, problem, found_by="test"), problem)
    assert (status, noise) == (Status.EXACT_AS_PRINTED, 0.0)
    assert "inputs" in caveats[0]


def test_what_hides_in_the_inputs_digits_but_follows_a_column_is_no_law() -> None:
    x = far_out(uniform(5, 300, 2))
    y = LAW.evaluate(x) * (1 + 0.02 * np.sin(2 * x[:, 0]))
    problem = problem_of(x, y).with_rows(
        lambda part: Rows(part.X, part.y, half_X=np.full(part.X.shape, 0.05))
    )
    assert judged(LAW, problem) not in (Status.EXACT, Status.EXACT_AS_PRINTED)

from __future__ import annotations

import pytest
from problems import hiding, law

from nalu_cli.experiments.known_law import KnownLaw, Part
from nalu_cli.experiments.recovery import largest_error, recovery
from nalu_cli.experiments.refitting import refit
from nalu_cli.experiments.sampling import law_rows
from nalu_cli.experiments.written_formula import read_formula

LENS = law("1/(1/a + c/b)", "a", "b", "c")
LINE = law("2.5*a - 4*b + 7", "a", "b")
PIPE = law("0.023*a**0.8*b**0.4", "a", "b")
SCALED = law("6.674e-11*a*b/c**2", "a", "b", "c")
ROOT = law("sqrt(a**2 + b**2)/(4*pi)", "a", "b", low=-5)


@pytest.mark.parametrize(
    ("truth", "found"),
    [
        (LENS, "a*b/(a*c + b)"),
        (LENS, "1/(1/a + c/b)"),
        (LENS, "a/(1 + a*c/b) + 0*a"),
        (LINE, "7 + (5*a - 8*b)/2"),
        (LINE, "2.5*a - 4*b + 7.000000000001"),
        (SCALED, "a*b*6.674e-11/c/c"),
        (ROOT, "abs(sqrt(a**2 + b**2))*0.07957747154594767"),
        (PIPE, "0.023*(a**2*b)**(2/5)"),
        (PIPE, "0.023*sqrt(a)*a**0.3*b**0.4000000000000001"),
    ],
)
def test_an_equal_formula_is_recovered(truth: KnownLaw, found: str) -> None:
    result = recovery(truth, found)
    assert result.is_exact
    assert result.is_recovered


@pytest.mark.parametrize(
    ("truth", "found", "error"),
    [
        (LINE, "2.50000001*a - 4*b + 7", 4e-9),
        (LINE, "2.5*a - 4.04*b + 7", 0.01),
        (SCALED, "6.7e-11*a*b/c**2", 0.0039),
        (ROOT, "0.079577*sqrt(a**2 + 1.001*b**2)", 1e-3),
        (PIPE, "0.023*a**0.8*b**0.402", 0.005),
    ],
)
def test_the_right_form_is_recovered_up_to_the_tolerance(
    truth: KnownLaw, found: str, error: float
) -> None:
    result = recovery(truth, found)
    assert not result.is_exact
    assert result.constant_error == pytest.approx(error, rel=0.02)
    assert result.is_recovered == (error < 1e-6)
    for tolerance, expected in ((1.1 * error, True), (0.9 * error, False)):
        assert recovery(truth, found, tolerance=tolerance).is_recovered == expected


@pytest.mark.parametrize(
    ("truth", "found"),
    [
        (LENS, "a*b/(a*c - b)"),
        (LENS, "a*b/(a*c + b) + 1e-7*c"),
        (LENS, "a"),
        (LENS, ""),
        (LENS, "a*b/(a*c + d)"),
        (LENS, "sqrt(-a)"),
        (LINE, "2.5*a - 4*b"),
        (LINE, "2.5*a - 4*b + 7 + 1e-5*a*b"),
        (SCALED, "0"),
        (SCALED, "1e-13*a"),
        (ROOT, "(a**2 + b**2)/(4*pi)"),
        (ROOT, "sqrt(a**2 - b**2)/(4*pi)"),
    ],
)
def test_another_formula_is_not_recovered_at_any_tolerance(truth: KnownLaw, found: str) -> None:
    assert not recovery(truth, found, tolerance=0.1).is_recovered


@pytest.mark.parametrize("found", ["a", "1", "a*2.5", "a*b", "b", "", "exp(a)", "1/0"])
@pytest.mark.parametrize("truth", [law("b", "a", "b"), law("a*b", "a", "b")])
def test_what_a_hidden_variable_decides_is_not_recovered(truth: KnownLaw, found: str) -> None:
    assert not recovery(hiding(truth, "b"), found, tolerance=0.1).is_recovered
    rows = law_rows(truth, Part.EXTRAPOLATION, 100, seed=0)
    error = largest_error(hiding(truth, "b"), found, rows)
    assert (error is None) == (found not in ("a", "1", "a*2.5"))


def test_a_hidden_variable_that_the_truth_lacks_is_no_hindrance() -> None:
    assert recovery(hiding(law("2*a", "a", "b"), "b"), "a + a").is_exact


@pytest.mark.parametrize(
    ("truth", "found"),
    [
        # 1e-13 cannot be told from nothing by values, nor 1 from tanh beyond 30
        (law("a + 1e-13*sin(a)", "a"), "a"),
        (law("tanh(a)", "a", low=30, high=40), "1"),
        (law("a**pi", "a"), "a**3.141592653589793"),
    ],
)
def test_an_approximation_is_not_recovered_however_good(truth: KnownLaw, found: str) -> None:
    assert not recovery(truth, found).is_recovered
    rows = law_rows(truth, Part.EXTRAPOLATION, 100, seed=0)
    error = largest_error(truth, found, rows)
    assert error is not None
    assert error < 1e-12


def test_constants_that_are_far_off_are_still_found() -> None:
    rows = law_rows(law("3*a/(b + 2)", "a", "b"), Part.TRAIN, 200, seed=0)
    refitted = refit(read_formula("a/(0.5*b + 9)", ["a", "b"]), ["a", "b"], rows)
    assert refitted is not None
    assert sorted(refitted.factors) == pytest.approx([2 / 27, 2 / 3])


def test_a_formula_with_too_many_constants_or_too_few_values_is_not_refitted() -> None:
    rows = law_rows(law("a", "a"), Part.TRAIN, 100, seed=0)
    many = "+".join(f"{k + 0.5}*a**{k}" for k in range(2, 50))
    assert refit(read_formula(many, ["a"]), ["a"], rows) is None
    assert refit(read_formula("sqrt(a - 4.5)", ["a"]), ["a"], rows) is None


def test_the_largest_error_is_relative() -> None:
    rows = law_rows(LINE, Part.EXTRAPOLATION, 100, seed=0)
    assert largest_error(LINE, "(2.5*a - 4*b + 7)*1.01", rows) == pytest.approx(0.01)
    assert largest_error(LINE, "sqrt(-a)", rows) is None
    assert largest_error(LINE, "no formula", rows) is None

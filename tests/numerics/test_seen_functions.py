"""Functions are told apart by their values."""

from __future__ import annotations

import numpy as np

from nalu_cli.numerics.seen_functions import SeenFunctions

X = np.linspace(1, 2, 20)


def test_another_form_of_a_function_is_found() -> None:
    seen = SeenFunctions()
    assert seen.find(X**2, 1e-20) is None
    assert seen.add(X**2) == 0
    assert seen.add(X**3) == 1
    assert seen.find(X**2.0000000001, 1e-12) == 0
    assert seen.find(X * X * X, 1e-12) == 1
    assert len(seen) == 2


def test_functions_with_one_error_are_two() -> None:
    seen = SeenFunctions()
    seen.add(X + 0.1)
    assert seen.find(X - 0.1, 1e-3) is None


def test_a_function_without_a_value_is_always_new() -> None:
    seen = SeenFunctions()
    seen.add(np.where(X > 1.5, np.nan, X))
    assert seen.find(np.where(X > 1.5, np.nan, X), 1.0) is None

"""Bases and least squares of columns of any sizes, some of which others make up."""

from __future__ import annotations

import numpy as np
import pytest

from nalu_cli.numerics.least_squares import basis, least_squares

RNG = np.random.default_rng(5)
INDEPENDENT = RNG.standard_normal((40, 3)) * [1e-8, 1.0, 1e9]


def test_a_basis_spans_its_columns_and_no_more() -> None:
    columns = np.column_stack([INDEPENDENT, INDEPENDENT @ [1.0, 2.0, 0.0], np.zeros(40)])
    span = basis(columns)
    assert span.shape == (40, 3)
    np.testing.assert_allclose(span.T @ span, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(span @ (span.T @ columns), columns, rtol=1e-6, atol=1e-14)


def test_columns_that_are_not_finite_span_nothing() -> None:
    bad = np.column_stack([INDEPENDENT[:, 1], np.full(40, np.nan)])
    assert basis(bad).shape == (40, 1)
    assert basis(bad[:, 1:]).shape == (40, 0)


def test_coefficients_of_columns_of_all_sizes_are_found() -> None:
    truth = np.array([3e8, -2.0, 5e-9])
    np.testing.assert_allclose(least_squares(INDEPENDENT, INDEPENDENT @ truth), truth, rtol=1e-9)


def test_a_column_of_zeros_gets_no_coefficient() -> None:
    columns = np.column_stack([INDEPENDENT[:, 1], np.zeros(40)])
    assert least_squares(columns, 2 * columns[:, 0]).tolist() == pytest.approx([2.0, 0.0])


def test_numbers_that_are_not_finite_are_refused() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        least_squares(np.full((4, 1), np.nan), np.ones(4))

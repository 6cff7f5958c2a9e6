"""Bases of columns of any sizes, some of which others make up."""

from __future__ import annotations

import numpy as np

from nalu_cli.spans import basis

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

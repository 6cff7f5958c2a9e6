"""Numerical methods that know no formulas: least squares and monomials."""

"""Strategies by least squares: one product, one sum, a product of two sums."""

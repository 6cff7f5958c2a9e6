"""Stacks trained by variable projection: products, sums, products of sums, a sum, a power."""

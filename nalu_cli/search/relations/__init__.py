"""Strategies that find a law as a dependency of monomials and powers of the target."""

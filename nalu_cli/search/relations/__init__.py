"""Strategies that find a law as a null vector of monomials times powers of the target."""

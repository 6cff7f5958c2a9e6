"""Shorter forms of circuits; the home of sympy."""

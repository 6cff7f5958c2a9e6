"""Stage 7: shorter forms of circuits; the home of sympy, imported only when needed."""

from nalu_cli.simplify.layering import circuit_of
from nalu_cli.simplify.shorten import shorten

__all__ = ["circuit_of", "shorten"]

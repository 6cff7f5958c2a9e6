"""The waist: layers of sums and products, where they hold, and how far rounding moves them."""

from nalu_cli.circuit.circuit import (
    ALLOWED_EXPONENTS,
    LARGEST_DENOMINATOR,
    LARGEST_EXPONENT,
    Circuit,
    Layer,
    Term,
    Unit,
    UnitKind,
    exponent_of,
    is_real_exponent,
    power_of,
)

__all__ = [
    "ALLOWED_EXPONENTS",
    "LARGEST_DENOMINATOR",
    "LARGEST_EXPONENT",
    "Circuit",
    "Layer",
    "Term",
    "Unit",
    "UnitKind",
    "exponent_of",
    "is_real_exponent",
    "power_of",
]

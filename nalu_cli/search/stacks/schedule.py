"""Which stacks are trained, in which order, and on how much."""

from __future__ import annotations

from nalu_cli.search.stacks.batch import Shape

__all__ = ["POWERS", "SHAPES"]

POWERS = (1.0, -1.0, 2.0, -2.0, 0.5)
"""Of the target that a stack computes: quotients and roots of sums are sums of such a power."""

SHAPES = (
    Shape(1),
    Shape(2),
    Shape(1, (1,)),
    Shape(3),
    Shape(2, (1,)),
    Shape(1, (2,)),
    Shape(1, (1, 1)),
    Shape(4),
    Shape(2, (2,)),
    Shape(3, (1,)),
    Shape(2, (1, 1)),
    Shape(1, (3,)),
    Shape(5),
    Shape(1, (2, 1)),
    Shape(3, (2,)),
    Shape(6),
    Shape(1, (2, 2)),
    Shape(2, (3,)),
    Shape(7),
)
"""From one product to what thirty rows can hardly tell apart."""

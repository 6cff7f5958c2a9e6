"""Which stacks are trained, in which order, and on how much."""

from __future__ import annotations

from dataclasses import dataclass

from nalu_cli.search.stacks.batch import Shape

__all__ = ["STEPS", "Step"]

POWERS = (1.0, -1.0, 2.0, -2.0, 0.5)
"""Of the target that a stack computes: quotients and roots of sums are sums of such a power.
*Guess:* others are rare in laws."""

SHAPES = (
    Shape(1),
    Shape(2),
    Shape(1, (1,)),
    Shape(3),
    Shape(2, (1,)),
    Shape(4),
    Shape(1, (2,)),
    Shape(1, (1, 1)),
    Shape(3, (1,)),
    Shape(2, (2,)),
    Shape(2, (1, 1)),
    Shape(5),
    Shape(1, (3,)),
    Shape(1, (2, 1)),
    Shape(3, (2,)),
    Shape(6),
    Shape(1, (2, 2)),
    Shape(2, (3,)),
    Shape(7),
)
"""From one product to what thirty rows can hardly tell apart. *Guess.*"""

QUICK_POWERS = (1.0, -1.0, 2.0)
"""Of sums that are first grown term by term, which takes moments where random starts of many
columns take long. *Guess.*"""


@dataclass(frozen=True, slots=True)
class Step:
    """What is trained at once.

    Parameters
    ----------
    shape : Shape
    power : float
        Of the target.
    place : int
        How far down the list of shapes.
    grown_alone : bool
        Whether no stack starts at random.
    """

    shape: Shape
    power: float
    place: int
    grown_alone: bool

    @property
    def layers(self) -> int:
        """Of sums and products, a power of the last one among them."""
        inside = 3 if self.shape.inner else 1
        return inside + (self.shape.outer > 1) + (self.power != 1)


def _steps() -> tuple[Step, ...]:
    one, *longer = SHAPES
    first = [Step(one, power, 0, False) for power in QUICK_POWERS]
    places = {shape: place for place, shape in enumerate(SHAPES)}
    quick = [
        Step(shape, power, places[shape], True)
        for power in QUICK_POWERS
        for shape in SHAPES[1:]
        if not shape.inner
    ]
    slow = [
        Step(shape, power, place, False)
        for place, shape in enumerate(longer, start=1)
        for power in POWERS
    ]
    return (*first, *quick, *slow)


STEPS = _steps()
"""All that is trained, in order."""

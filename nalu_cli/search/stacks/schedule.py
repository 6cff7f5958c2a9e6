"""Which stacks are trained, in which order, and on how much."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from nalu_cli.search.stacks.batch import Shape

__all__ = ["QUOTIENTS", "STEPS", "SUMS", "Kind", "Step"]

Kind: TypeAlias = tuple[float, int] | None
"""The power of the target, and how many inner sums there are."""

SUMS: Kind = (1.0, 0)
QUOTIENTS: Kind = (1.0, 1)
"""Sums of products, and sums of products over one inner sum: the kinds whose terms are selected."""

POWERS = (1.0, -1.0, 2.0, -2.0, 0.5)
"""Powers of the target that stacks compute, since quotients and roots of sums are sums of such a
power. *Guess:* others are rare in laws."""

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
    Shape(4, (1,)),
    Shape(7),
    Shape(4, (2,)),
    Shape(5, (1,)),
    Shape(3, (3,)),
    Shape(4, (3,)),
)
"""Shapes of stacks from short to long. *Guess:* from one product to what thirty rows can hardly
tell apart."""

SMALL = 4
"""Products of quotients that are grown before others. *Guess:* most of those that people print."""

SIMPLE_SHAPES = SHAPES[: SHAPES.index(Shape(2, (1, 1))) + 1]
"""That start at random for the target itself before they do for its powers. *Measured:* two
quotients of 1 and a product, as of x**4 and y**4, are found in a second once they are asked."""

LONG_SUMS = tuple(Shape(terms) for terms in range(8, 13))
"""Shapes of sums that start from shorter ones only. *Guess:* the square of a distance in five
dimensions has eleven terms."""

QUICK_POWERS, QUOTIENT_POWERS = (1.0, -1.0, 2.0), (1.0, 2.0)
"""Powers of the target for sums, and for sums over an inner sum, that start from selected terms or
from a stack with one less. *Guess:* both take moments where random starts of many columns take
long, but not for every power."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is trained at once.

    Parameters
    ----------
    shape : Shape
    power : float
        Power of the target.
    place : int
        Place of the shape in the list.
    grown_alone : bool
        Whether no stack starts at random.
    turn : int
        How often other searches have had their turn before it.
    """

    shape: Shape
    power: float
    place: int
    grown_alone: bool
    turn: int = 2

    @property
    def kind(self) -> Kind:
        """Kind of the steps that follow one another; None where stacks start at random."""
        return (self.power, len(self.shape.inner)) if self.grown_alone else None

    @property
    def is_long(self) -> bool:
        """Whether it is a sum that is only grown."""
        return self.shape in LONG_SUMS

    @property
    def layers(self) -> int:
        """Number of layers of sums and products, a power of the last one among them."""
        inside = 3 if self.shape.inner else 1
        return inside + (self.shape.outer > 1) + (self.power != 1)


def _steps() -> tuple[Step, ...]:
    one, *longer = SHAPES
    places = {shape: place for place, shape in enumerate((*SHAPES, *LONG_SUMS))}

    def steps(
        powers: Sequence[float], shapes: Sequence[Shape], *, grown: bool, turn: int = 2
    ) -> list[Step]:
        made = itertools.product(powers, shapes)
        return [Step(shape, power, places[shape], grown, turn) for power, shape in made]

    sums = [shape for shape in longer if not shape.inner]
    quotients = [shape for shape in longer if len(shape.inner) == 1]
    small = [shape for shape in quotients if shape.units <= SMALL]
    larger = [shape for shape in quotients if shape.units > SMALL]
    simple = [shape for shape in longer if shape in SIMPLE_SHAPES]
    others = itertools.product(longer, POWERS)
    return (
        *steps(QUICK_POWERS, [one], grown=False, turn=0),
        *steps(QUICK_POWERS, sums, grown=True, turn=0),
        *steps(QUOTIENT_POWERS, small, grown=True, turn=0),
        *steps(QUICK_POWERS, LONG_SUMS, grown=True, turn=1),
        *steps(QUOTIENT_POWERS, larger, grown=True, turn=1),
        *steps((1.0,), simple, grown=False),
        *(
            Step(shape, power, places[shape], grown_alone=False)
            for shape, power in others
            if power != 1 or shape not in simple
        ),
    )


STEPS = _steps()
"""All that is trained, in order."""

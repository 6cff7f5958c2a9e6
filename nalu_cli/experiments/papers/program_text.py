"""Small programs of whole numbers and operators, as text, with their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

__all__ = ["Lesson", "Part", "Program", "drawn", "drawn_program"]


@dataclass(frozen=True, slots=True)
class Program:
    """A program such as ``12+345*6``; products before sums.

    Parameters
    ----------
    numbers : tuple of int
    operators : str
        Those between them: +, - and *.
    """

    numbers: tuple[int, ...]
    operators: str

    @property
    def text(self) -> str:
        """As it is read."""
        first, *rest = self.numbers
        return str(first) + "".join(o + str(n) for o, n in zip(self.operators, rest, strict=True))

    @property
    def answer(self) -> int:
        """What it comes to."""
        starts = [0, *(k + 1 for k, o in enumerate(self.operators) if o != "*"), len(self.numbers)]
        signs = [1, *(1 if o == "+" else -1 for o in self.operators if o != "*")]
        terms = [prod(self.numbers[low:high]) for low, high in pairwise(starts)]
        return sum(sign * term for sign, term in zip(signs, terms, strict=True))

    @property
    def size(self) -> int:
        """Its largest number."""
        return max(self.numbers)


@dataclass(frozen=True, slots=True)
class Part:
    """Programs of a lesson: most digits of a number, how many numbers, how many programs."""

    digits: int
    numbers: int
    count: int


Lesson = Sequence[Part]


def drawn_program(
    digits: int, numbers: int, operators: str, random: np.random.Generator
) -> Program:
    """A program of numbers with exactly so many digits."""
    low = 0 if digits == 1 else 10 ** (digits - 1)
    values = random.integers(low, 10**digits, numbers)
    chosen = random.integers(len(operators), size=numbers - 1)
    return Program(tuple(map(int, values)), "".join(operators[k] for k in chosen))


def drawn(lesson: Lesson, operators: str, random: np.random.Generator) -> list[Program]:
    """The programs of a lesson; numbers of one have as many digits, from one to the most."""
    return [
        drawn_program(int(random.integers(1, part.digits + 1)), part.numbers, operators, random)
        for part in lesson
        for _ in range(part.count)
    ]

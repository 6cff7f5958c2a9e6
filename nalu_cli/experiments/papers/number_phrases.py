"""Numbers below a thousand in English words, and which of them are learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["NUMBERS", "TOKENS", "Split", "phrase", "phrase_tokens", "split_phrases"]

NUMBERS = 1000

SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")

TOKENS = (*SMALL, *TENS, "hundred", "and")

TRAIN, VALIDATION = 169, 200

LONGEST = 5


@dataclass(frozen=True, slots=True)
class Split:
    """The numbers whose phrases are learned from, those to choose by, and those of the test."""

    train: NDArray[np.intp]
    validation: NDArray[np.intp]
    test: NDArray[np.intp]


def phrase(number: int) -> list[str]:
    """A number below a thousand in words, such as three hundred and thirty four."""
    if number < len(SMALL):
        return [SMALL[number]]
    if number < 100:
        tens, ones = divmod(number, 10)
        return [TENS[tens - 2], *(phrase(ones) if ones else [])]
    hundreds, rest = divmod(number, 100)
    return [SMALL[hundreds], "hundred", *(["and", *phrase(rest)] if rest else [])]


def phrase_tokens(numbers: Sequence[int] | NDArray[np.intp]) -> NDArray[np.int64]:
    """The places of the words in `TOKENS`, (N, 5); behind the last word stands -1."""
    places = {token: k for k, token in enumerate(TOKENS)}
    tokens = np.full((len(numbers), LONGEST), -1, dtype=np.int64)
    for row, number in zip(tokens, numbers, strict=True):
        words = phrase(int(number))
        row[: len(words)] = [places[word] for word in words]
    return tokens


def split_phrases(random: np.random.Generator) -> Split:
    """Draw the numbers to learn from, until every word is among them.

    Parameters
    ----------
    random : numpy Generator

    Returns
    -------
    Split
        169 numbers, among them 0 to 19, then 200, and 631 for the test.

    References
    ----------
    Trask et al. 2018, section 4.3.
    """
    first = np.arange(len(SMALL))
    while True:
        others = random.permutation(np.arange(len(SMALL), NUMBERS))
        train = np.concatenate([first, others[: TRAIN - len(first)]])
        if set(phrase_tokens(train).ravel()) >= set(range(len(TOKENS))):
            break
    rest = others[TRAIN - len(first) :]
    return Split(train, rest[:VALIDATION], rest[VALIDATION:])

"""Number phrases: their words, who learns from which, and that meanings are learned exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nalu_cli.experiments.papers.number_phrases import (
    NUMBERS,
    TOKENS,
    phrase,
    phrase_tokens,
    split_phrases,
)
from nalu_cli.experiments.papers.phrase_reader import Meanings, Phrases, learned_meanings, read
from nalu_cli.training.cells.cell import Path
from nalu_cli.training.cells.nau import NAU
from nalu_cli.training.cells.nmu import NMU


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (7, "seven"),
        (13, "thirteen"),
        (20, "twenty"),
        (42, "forty two"),
        (100, "one hundred"),
        (405, "four hundred and five"),
        (334, "three hundred and thirty four"),
        (970, "nine hundred and seventy"),
        (999, "nine hundred and ninety nine"),
    ],
)
def test_numbers_in_words(number: int, words: str) -> None:
    assert " ".join(phrase(number)) == words


def test_no_two_numbers_have_the_same_words() -> None:
    tokens = phrase_tokens(range(NUMBERS))
    assert len(set(map(bytes, tokens))) == NUMBERS
    for row, number in zip(tokens, range(NUMBERS), strict=True):
        assert [TOKENS[k] for k in row if k >= 0] == phrase(number)
    assert set(tokens.ravel()) == set(range(-1, len(TOKENS)))


@given(seed=st.integers(0, 2**32))
def test_a_split_obeys_the_protocol(seed: int) -> None:
    split = split_phrases(np.random.default_rng(seed))
    parts = (split.train, split.validation, split.test)
    assert [len(part) for part in parts] == [169, 200, 631]
    assert sorted(np.concatenate(parts)) == list(range(NUMBERS))
    assert set(range(20)) <= set(split.train)
    assert set(phrase_tokens(split.train).ravel()) >= set(range(len(TOKENS)))


def all_phrases() -> Phrases:
    tokens = torch.from_numpy(phrase_tokens(range(NUMBERS)))
    return Phrases(tokens, torch.arange(float(NUMBERS)))


def test_sums_and_products_can_say_every_number() -> None:
    add = NAU(2, 1, [np.random.default_rng(0)], path=Path.SUM)
    multiply = NMU(2, 1, [np.random.default_rng(0)], path=Path.PRODUCT)
    for cell in (add, multiply):
        cell.settle(torch.ones(2, 1))
    values = [*range(20), *range(20, 100, 10), 100, 0]
    gates = [float(token != "hundred") for token in TOKENS]
    meanings = Meanings(torch.tensor([values]).float(), torch.tensor([gates]), add, multiply)
    phrases = all_phrases()
    with torch.no_grad():
        torch.testing.assert_close(
            read(meanings, phrases.tokens)[0], phrases.numbers, rtol=0, atol=0
        )


@pytest.mark.slow
def test_what_is_learned_is_whole_snapped_and_right() -> None:
    split = split_phrases(np.random.default_rng(1))
    phrases = all_phrases()
    train, validation = (
        Phrases(phrases.tokens[part], phrases.numbers[part])
        for part in (split.train, split.validation)
    )
    shares: list[float] = []
    meanings = learned_meanings(
        train,
        validation,
        np.random.default_rng(2),
        restarts=8,
        steps=400,
        tick=shares.append,
    )
    assert shares == sorted(shares)
    assert set(meanings.gates.ravel().tolist()) <= {0.0, 1.0}
    for numbers in (meanings.values, meanings.add.W, meanings.multiply.W):
        assert torch.equal(numbers, numbers.round())
    with torch.no_grad():
        assert torch.equal(read(meanings, phrases.tokens)[0], phrases.numbers.double())

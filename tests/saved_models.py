"""Saved answers: equal to the last bit, or refused with one sentence."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from nalu_cli.answer import Answer, Points
from nalu_cli.errors import ModelFileError
from nalu_cli.storage.model_file import load_model


def assert_same(one: Answer, other: Answer) -> None:
    """Fail unless two answers are equal, every double to its last bit."""
    for field in fields(Answer):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name.startswith("probe"):
            np.testing.assert_array_equal(a, b)
        elif field.name == "points":
            assert_same_points(a, b)
        else:
            assert a == b, field.name


def assert_same_points(one: Points, other: Points) -> None:
    for field in fields(Points):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def refused(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    message = str(caught.value)
    assert "\n" not in message
    assert "weights_only" not in message
    assert "pickle" not in message.lower()
    return message

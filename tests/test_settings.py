from __future__ import annotations

import math

import pytest

from nalu_cli.errors import UsageError
from nalu_cli.settings import FitSettings


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [("layers", 1, 5), ("noise", 0.0, 10.0), ("far_share", 0.0, 0.5), ("threads", 1, 256)],
)
def test_the_bounds_are_in_and_what_lies_beyond_is_out(field: str, low: float, high: float) -> None:
    for value in (low, high):
        FitSettings(**{field: value})
    for value in (low - 1, high + 1, math.nan, math.inf):
        with pytest.raises(UsageError, match=f"it must be {low:g} to {high:g}"):
            FitSettings(**{field: value})


def test_a_seed_is_a_whole_number_that_fits_a_word() -> None:
    assert FitSettings(seed=2**63 - 1).seed == 2**63 - 1
    for seed in (-1, 2**63):
        with pytest.raises(UsageError, match="--seed"):
            FitSettings(seed=seed)


@pytest.mark.parametrize("limit", [0.0, -1.0, math.nan, math.inf, 1e8])
def test_a_time_limit_is_above_zero(limit: float) -> None:
    with pytest.raises(UsageError, match=r"--time is .* more than 0 and at most 1e\+07"):
        FitSettings(time_limit=limit)


@pytest.mark.parametrize("field", ["time_limit", "layers", "noise"])
def test_what_may_be_left_open_is_open_by_default(field: str) -> None:
    assert getattr(FitSettings(), field) is None

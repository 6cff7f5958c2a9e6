from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nalu_cli.errors import UsageError
from nalu_cli.table.input_grid import MOST_ROWS, Axis, Grid, parse_axis


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("x=0:10:5", "x", [0, 5, 10]),
        ("x=1:3", "x", [1, 2, 3]),
        ("x=0:1:0.1", "x", [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        ("x=-20:-19:0.25", "x", [-20, -19.75, -19.5, -19.25, -19]),
        ("x=0:1:3#", "x", [0, 0.5, 1]),
        ("x=0:1:4#", "x", [0, 1 / 3, 2 / 3, 1]),
        ("x=2:2:1#", "x", [2]),
        ("x=0:10:4", "x", [0, 4, 8]),
        ("x=1,2.5,1e3,-4", "x", [1, 2.5, 1000, -4]),
        ("x=7", "x", [7]),
        ("a=b=1:2", "a=b", [1, 2]),
        ("speed [m/s]=1e300:3e300:1e300", "speed [m/s]", [1e300, 2e300, 3e300]),
        ("x=1e-400,1e-999999999", "x", [0, 0]),
    ],
)
def test_a_range_means_what_it_says(text: str, name: str, values: list[float]) -> None:
    axis = parse_axis(text)
    assert axis.name == name
    assert axis.values.tolist() == values


@pytest.mark.parametrize(
    "text",
    [
        *("x", "=1:2", " =1", "x=", "x=,", "x=1:2:3:4", "x=a:2:1", "x=1:", "x=::"),
        *("x=10:1:1", "x=1:2:0", "x=1:2:-1", "x=5:1:-1", "x=nan:1:1", "x=0:inf:1", "x=0:1:nan"),
        *("x=1,5:2", "x=0:1:#", "x=0:1:0#", "x=0:1:1#", "x=0:1:2.5#", "x=0:1:-3#", "x=1e400"),
        *("x=1/2:3:1", "x=0:1:²#"),
    ],
)
def test_what_is_no_range_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=r"such as x=0:10:0\.5"):
        parse_axis(text)


@pytest.mark.parametrize("text", ["x=0:1e9:1", "x=0:1:99999999#", "x=0:1e308:1e-308"])
def test_a_range_without_end_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="values"):
        parse_axis(text)


@given(st.decimals(-1000, 1000, places=3), st.decimals("0.001", 10, places=3), st.integers(1, 60))
def test_both_ends_are_hit_exactly(start: object, step: object, n: int) -> None:
    stop = start + step * n  # type: ignore[operator]
    values = parse_axis(f"x={start}:{stop}:{step}").values.tolist()
    assert len(values) == n + 1
    assert values == [float(start + step * k) for k in range(n + 1)]  # type: ignore[operator]


def test_every_combination_comes_once_in_order_in_chunks_of_any_size() -> None:
    grid = Grid((parse_axis("a=1,2"), parse_axis("b=10:30:10")))
    assert len(grid) == 6
    for size in (1, 4, 100):
        chunks = list(grid.chunks(size, {"c": 5.0}))
        rows = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in "abc"}
        assert rows["a"].tolist() == [1, 1, 1, 2, 2, 2]
        assert rows["b"].tolist() == [10, 20, 30, 10, 20, 30]
        assert rows["c"].tolist() == [5] * 6


def test_a_column_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="'a' twice"):
        Grid((parse_axis("a=1"), parse_axis("a=2")))


def test_a_grid_that_is_too_large_is_refused_with_its_size() -> None:
    axes = tuple(Axis(name, np.zeros(1000)) for name in "abc")
    with pytest.raises(UsageError, match="1000 × 1000 × 1000 = 1,000,000,000 rows") as caught:
        Grid(axes)
    assert f"{MOST_ROWS:,}" in str(caught.value)

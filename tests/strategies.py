"""Hypothesis strategies: circuits of every shape, and column names nobody should have chosen."""

from __future__ import annotations

import math
import random
from fractions import Fraction

from hypothesis import strategies as st

from nalu_cli.circuit import Circuit, Layer, Term, Unit, UnitKind, exponent_of

AWKWARD_NAMES = (
    *("E", "I", "S", "N", "Q", "lambda", "class", "None", "pi", "sqrt", "abs", "np", "predict"),
    *("speed [m/s]", "x y", "Größe", "2019", "a;b", "__import__('os')", '"quoted"', "'single'"),
    *("back`tick", "``", "$x$", "two\nlines", "carriage\rreturn", "\\", "\\input{x}", "a_b_c", "%"),
    *(
        "{",
        "}}",
        "#",
        "&",
        "~",
        "^",
        "_",
        '"""',
        "'''",
        "\x00",
        "\u2028",
        "x0",
        "x1",
        "<b>",
        "=1+1",
    ),
    *("naïve", "温度", "😀", "\\N{BULLET}", "ſ", "*/", "%s", "{0}", "-->", "\ud800"),
)

names = st.one_of(st.sampled_from(AWKWARD_NAMES), st.text(min_size=1, max_size=8))

CONSTANTS = (1.0, 2.0, 0.5, 3.0, 0.25, 4 / 3, 2.97, 1.96, math.pi, 1 / math.pi, math.sqrt(2))
LONG = (0.7310585786300049, 5.812345678901234, 1.0545606529268985e-4, 123456.78901234)

positive_constants = st.one_of(st.just(1.0), st.sampled_from(CONSTANTS), st.sampled_from(LONG))
EXPONENTS = (1, 1, 1, -1, -1, 2, Fraction(1, 2), -2, Fraction(-1, 2), 3, Fraction(3, 2))
ODD_EXPONENTS = (
    *(Fraction(4, 5), Fraction(2, 3), Fraction(1, 3), Fraction(463, 250), Fraction(-1, 4)),
    *(exponent_of(0.7983417), exponent_of(-1.2345678901234567)),
)
"""Neither whole nor half."""


@st.composite
def units(draw: st.DrawFn, n_sources: int, *, fewest_terms: int = 0, most_terms: int = 3) -> Unit:
    """A unit over some of the sources."""
    kind = draw(st.sampled_from(UnitKind))
    sources = draw(
        st.lists(
            st.integers(0, n_sources - 1),
            min_size=min(fewest_terms, n_sources),
            max_size=most_terms,
            unique=True,
        )
    )
    sign = draw(st.sampled_from((1.0, 1.0, -1.0)))
    if kind is UnitKind.SUM:
        weights = st.sampled_from((Fraction(1), Fraction(-1)))
        terms = [Term(s, draw(weights), draw(positive_constants)) for s in sorted(sources)]
        offset = draw(st.one_of(st.just(0.0), positive_constants))
        return Unit(kind, tuple(terms), sign * offset)
    exponents = st.sampled_from([Fraction(e) for e in (*EXPONENTS, *ODD_EXPONENTS)])
    terms = [Term(s, draw(exponents)) for s in sorted(sources)]
    return Unit(kind, tuple(terms), sign * draw(positive_constants))


@st.composite
def circuits(
    draw: st.DrawFn,
    *,
    most_layers: int = 4,
    most_columns: int = 3,
    fewest_terms: int = 0,
    n_columns: int | None = None,
) -> Circuit:
    """A circuit of a few layers, with units that nothing reads among them."""
    if n_columns is None:
        n_columns = draw(st.integers(1, most_columns))
    layers: list[Layer] = []
    width = 0
    for k in range(depth := draw(st.integers(1, most_layers))):
        n_units = 1 if k == depth - 1 else draw(st.integers(1, 3))
        layers.append(
            tuple(draw(units(width + n_columns, fewest_terms=fewest_terms)) for _ in range(n_units))
        )
        width = n_units
    return Circuit(n_columns, tuple(layers))


@st.composite
def named_circuits(
    draw: st.DrawFn, *, fewest_terms: int = 0
) -> tuple[Circuit, tuple[str, ...], str]:
    """A circuit, distinct names for its columns, and a name for the target."""
    circuit = draw(circuits(fewest_terms=fewest_terms))
    n = circuit.n_columns + 1
    *columns, target = draw(st.lists(names, min_size=n, max_size=n, unique=True))
    return circuit, tuple(columns), target


def random_circuit(rng: random.Random) -> Circuit:
    """A deep circuit whose columns matter, which drawing by Hypothesis seldom gives."""
    n_columns = rng.randint(1, 5)
    layers: list[Layer] = []
    width = 0
    for k in range(depth := rng.randint(2, 6)):
        n_units = 1 if k == depth - 1 else rng.randint(1, 3)
        layers.append(tuple(_random_unit(rng, width + n_columns) for _ in range(n_units)))
        width = n_units
    circuit = Circuit(n_columns, tuple(layers))
    return circuit if circuit.used_columns() else random_circuit(rng)


def _random_unit(rng: random.Random, n_sources: int) -> Unit:
    kind = rng.choice(list(UnitKind))
    sources = sorted(rng.sample(range(n_sources), rng.randint(1, min(4, n_sources))))
    scale = rng.choice((1.0, 1.0, -1.0)) * rng.choice((1.0, 1.0, *CONSTANTS, *LONG))
    if kind is UnitKind.SUM:
        signs = (Fraction(1), Fraction(-1))
        terms = [Term(s, rng.choice(signs), rng.choice((1.0, *CONSTANTS))) for s in sources]
        return Unit(kind, tuple(terms), rng.choice((0.0, scale)))
    powers = (*EXPONENTS, *ODD_EXPONENTS, *(Fraction(k, 2) for k in range(-8, 9) if k))
    return Unit(kind, tuple(Term(s, Fraction(rng.choice(powers))) for s in sources), scale)

"""Statistical Reference Datasets of NIST: given the form, the constants have the certified digits.

The files are those of NIST/ITL, which are in the public domain, as lmfit 1.3.4 distributes them
(https://www.itl.nist.gov/div898/strd/). A constant's digits are -log10 of its relative error
against the certified value, which has eleven; NIST starts each fit at two places.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from answers import product, total, weighted
from conftest import ROOT, Attacks

from nalu_cli.circuit import Circuit
from nalu_cli.circuit.constants import Place, constants_of, with_constants
from nalu_cli.circuit.relaxed import relax
from nalu_cli.fitting.fit_constants import refit
from nalu_cli.fitting.levenberg_marquardt import Network, Residual, levenberg_marquardt
from nalu_cli.rows import Rows

CERTIFIED = 11
"""Digits NIST gives."""

B = dict[int, float]


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a file of NIST holds."""

    starts: tuple[B, B]
    certified: B
    squares: float
    rows: Rows


def read(name: str) -> Dataset:
    lines = (ROOT / "tests" / "nist" / f"{name}.dat").read_text().splitlines()

    def section(title: str) -> list[str]:
        first, last = re.search(
            rf"{title}\s+\(lines\s+(\d+)\s+to\s+(\d+)\)", "\n".join(lines)
        ).groups()
        return lines[int(first) - 1 : int(last)]

    table = [
        [float(cell) for cell in line.partition("=")[2].split()]
        for line in section("Starting Values")
    ]
    columns = [
        {k + 1: value for k, value in enumerate(column)} for column in zip(*table, strict=True)
    ]
    squares = next(line for line in lines if line.startswith("Residual Sum of Squares"))
    data = np.array([list(map(float, line.split())) for line in section("Data")])
    return Dataset(
        (columns[0], columns[1]),
        columns[2],
        float(squares.split(":")[1]),
        Rows(data[:, 1:], data[:, 0]),
    )


@dataclass(frozen=True, slots=True)
class Model:
    """A model of NIST as a circuit.

    `places` says where each constant stands, and what it is multiplied by there; `digits` are
    what double precision allows on data like these, of the worst constant from either start.
    """

    build: Callable[[B], Circuit]
    places: Mapping[int, tuple[Place, float]]
    digits: int


def saturating(power: int, factor: float) -> Callable[[B], Circuit]:
    """b1 * (1 - (1 + factor*b2*x)**power)."""

    def build(b: B) -> Circuit:
        return Circuit(
            1,
            (
                (weighted((0, factor * b[2]), offset=1.0),),
                (product((0, power)),),
                (total((0, -1), offset=1.0),),
                (product((0, 1), scale=b[1]),),
            ),
        )

    return build


def rational(degree: int, digits: int) -> Model:
    """(b1 + b2 x + b3 x**2 + ...)/(1 + ...)."""
    # the sources of the second layer: x**2, x**3, ..., x
    source = {1: degree - 1} | {k: k - 2 for k in range(2, degree + 1)}

    def build(b: B) -> Circuit:
        above = sorted((source[k], b[k + 1]) for k in range(1, degree + 1))
        below = sorted((source[k], b[k + degree + 1]) for k in range(1, degree + 1))
        return Circuit(
            1,
            (
                tuple(product((0, k)) for k in range(2, degree + 1)),
                (weighted(*above, offset=b[1]), weighted(*below, offset=1.0)),
                (product((0, 1), (1, -1)),),
            ),
        )

    places = {1: (Place(1, 0, None), 1.0)}
    for k in range(1, degree + 1):
        places[k + 1] = (Place(1, 0, source[k]), 1.0)
        places[k + degree + 1] = (Place(1, 1, source[k]), 1.0)
    return Model(build, places, digits)


def mgh09(b: B) -> Circuit:
    """b1*(x**2 + b2 x)/(x**2 + b3 x + b4)."""
    above, below = weighted((0, 1.0), (1, b[2])), weighted((0, 1.0), (1, b[3]), offset=b[4])
    return Circuit(1, ((product((0, 2)),), (above, below), (product((0, 1), (1, -1), scale=b[1]),)))


MODELS = {
    "Misra1b": Model(
        saturating(-2, 0.5), {1: (Place(3, 0, None), 1), 2: (Place(0, 0, 0), 0.5)}, 10
    ),
    "Misra1d": Model(saturating(-1, 1.0), {1: (Place(3, 0, None), 1), 2: (Place(0, 0, 0), 1)}, 9),
    "Kirby2": rational(2, 9),
    "Hahn1": rational(3, 8),
    "Thurber": rational(3, 6),
    "MGH09": Model(
        mgh09,
        {
            1: (Place(2, 0, None), 1),
            2: (Place(1, 0, 1), 1),
            3: (Place(1, 1, 1), 1),
            4: (Place(1, 1, None), 1),
        },
        6,
    ),
}

ASTRAY = {("Hahn1", 0), ("MGH09", 0)}
"""Far starts from which the way down ends elsewhere; MGH09 has a minimum at infinity."""

FITS = [(name, start) for name in MODELS for start in (0, 1) if (name, start) not in ASTRAY]


def fitted(circuit: Circuit, rows: Rows, free: set[Place]) -> Circuit:
    """Levenberg-Marquardt from the start, then Gauss-Newton until nothing is gained."""
    relaxed = relax(circuit)
    network = Network(relaxed, rows.X)
    theta = Network.flatten(relaxed)
    values = constants_of(circuit)
    moved = with_constants(circuit, {place: 2 * values[place] for place in free})
    mask = Network.flatten(relax(moved)) != theta
    theta, loss = levenberg_marquardt(
        network, theta, Residual(rows.y, log=False), free=mask, steps=2000
    )
    best = network.unflatten(theta, loss)
    found = {}
    for place in free:
        layer = best.layers[place.layer]
        found[place] = float(
            layer.constant[0, place.unit]
            if place.source is None
            else layer.weights[0, place.source, place.unit]
        )
    circuit = with_constants(circuit, found)
    fixed = set(constants_of(circuit)) - free
    for _ in range(20):
        again, _ = refit(circuit, rows, sigma=1.0, fixed=fixed)
        if again == circuit:
            break
        circuit = again
    return circuit


def digits(found: float, certified: float, most: int = CERTIFIED) -> float:
    error = abs(found - certified) / abs(certified)
    return most if error == 0 else min(-math.log10(error), most)


def report(attacks: Attacks, name: str, reached: list[float]) -> None:
    attacks.note(f"NIST {name}: digits {' '.join(f'{d:.1f}' for d in reached)}")


@pytest.mark.parametrize(("name", "start"), FITS)
def test_constants_have_the_certified_digits(name: str, start: int, attacks: Attacks) -> None:
    data, model = read(name), MODELS[name]
    # a constant of exactly 1 or -1 would be taken for structure
    begin = {k: v * (1 + 1e-6 * (abs(v) == 1)) for k, v in data.starts[start].items()}
    places = {place for place, _ in model.places.values()}
    circuit = fitted(model.build(begin), data.rows, places)
    constants = constants_of(circuit)
    reached = [
        digits(constants[place] / factor, data.certified[k])
        for k, (place, factor) in model.places.items()
    ]
    report(attacks, f"{name}, start {start + 1}", reached)
    assert min(reached) > model.digits
    squares = float(np.sum((circuit.evaluate(data.rows.X) - data.rows.y) ** 2))
    assert squares == pytest.approx(data.squares, rel=1e-10)


@pytest.mark.parametrize(
    ("name", "ratio"), [("Wampler1", Fraction(1)), ("Wampler2", Fraction(1, 10))]
)
def test_polynomials_without_noise_are_fitted_to_rounding(
    name: str, ratio: Fraction, attacks: Attacks
) -> None:
    """Wampler (1970): y = 1 + (r x) + ... + (r x)**5 at x = 0, 1, ..., 20."""
    x = range(21)
    y = [float(sum((ratio * k) ** power for power in range(6))) for k in x]
    rows = Rows(np.array(x, dtype=np.float64)[:, None], np.array(y))
    true = [float(ratio**power) for power in range(6)]
    begin = [3 * value for value in true]
    powers = tuple(product((0, power)) for power in range(2, 6))
    terms = [*((k, begin[k + 2]) for k in range(4)), (4, begin[1])]
    circuit = Circuit(1, (powers, (weighted(*terms, offset=begin[0]),)))
    places = [Place(1, 0, None), Place(1, 0, 4), *(Place(1, 0, k) for k in range(4))]
    found = constants_of(fitted(circuit, rows, set(places)))
    # a coefficient of 1 is not listed
    reached = [
        digits(found.get(place, 1.0), value, 15) for place, value in zip(places, true, strict=True)
    ]
    report(attacks, name, reached)
    assert min(reached) > 8

"""Answers made by hand, for what prints, saves and applies them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from nalu_cli.answer import Answer, Constant, Errors, Evidence, FrontEntry, Move, Points
from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.settings import FitSettings, Status

ONE = Fraction(1)


def total(*terms: tuple[int, int], offset: float = 0.0) -> Unit:
    """A sum of sources with weights."""
    return Unit(UnitKind.SUM, tuple(Term(s, Fraction(w)) for s, w in terms), offset)


def product(*terms: tuple[int, float], scale: float = 1.0) -> Unit:
    """A product of powers of sources."""
    return Unit(UnitKind.PRODUCT, tuple(Term(s, Fraction(w)) for s, w in terms), scale)


def weighted(*terms: tuple[int, float], offset: float = 0.0) -> Unit:
    """A sum of sources with real factors."""
    parts = [Term(s, Fraction(1 if c > 0 else -1), abs(c)) for s, c in terms]
    return Unit(UnitKind.SUM, tuple(parts), offset)


def scaled(factor: float = 1.7) -> Circuit:
    """A factor times a**2/b."""
    return Circuit(2, ((product((0, 2), (1, -1), scale=factor),),))


LENS_CIRCUIT = Circuit(
    3,
    (
        (product((0, 1), (2, 1)), product((0, 1), (1, 1))),
        (total((0, 1), (3, 1)), product((1, 1))),
        (product((0, -1), (1, 1)),),
    ),
)
"""d1*d2/(d1*n + d2) of the columns d1, d2 and n."""


def no_points() -> Points:
    """What an answer without pictures keeps."""
    none = np.zeros(0)
    return Points((), np.zeros((0, 0)), none, none, none, np.zeros(0, dtype=np.intp))


def points(circuit: Circuit, X: np.ndarray, measured: np.ndarray) -> Points:
    """All columns of some rows, the first half of which trained."""
    part = np.repeat([0, 2], [(len(X) + 1) // 2, len(X) // 2])
    columns = tuple(range(circuit.n_columns))
    return Points(columns, X, measured, circuit.evaluate(X), part + 0.5, part)


def lens(**changes: object) -> Answer:
    """The focal length of a lens, found exactly."""
    rows = np.array([[1.0, 2.0, 3.0], [1.5, 2.5, 3.5], [4.9, 1.1, 2.25]])
    constant = Circuit(3, ((product(scale=0.69),),))
    answer = Answer(
        names=("d1", "d2", "n"),
        target="f",
        circuit=LENS_CIRCUIT,
        status=Status.EXACT,
        complexity=9,
        errors={
            "train": Errors(765, 3.1e-16, 8.9e-17, 1.0),
            "near": Errors(85, 2.9e-16, 1.1e-16, 1 - 2e-16),
            "far": Errors(150, 3.3e-16, None, None),
        },
        noise=None,
        constants=(
            Constant(0.5, "1/2", 0.01, None),
            Constant(0.7310585786300049, None, None, 1e-3),
        ),
        front=(FrontEntry(constant, 3, 0.42), FrontEntry(LENS_CIRCUIT, 9, 0.0)),
        evidence=Evidence(
            "trained sum-product",
            128,
            (
                Move(0, 0, "d1", 0.98, 1.0, 1e-9),
                Move(0, 0, "gate", 0.01, 0.0, float("inf")),
                Move(1, 1, "unit 2", -1.2, -1.0, 0.0),
            ),
        ),
        low=(1.0, 1.0, 1.0),
        high=(5.0, 5.0, 5.0),
        median=(2.5, 2.75, 3.0),
        probe_X=rows,
        probe_y=LENS_CIRCUIT.evaluate(rows),
        points=points(LENS_CIRCUIT, rows, LENS_CIRCUIT.evaluate(rows)),
        caveats=("column 'id' was left out",),
        settings=FitSettings(seed=7, noise=0.25),
        seconds=1.25,
        command=("nalu", "fit", "lens table.csv", "--target", "f"),
        versions={"nalu": "0.1.0", "numpy": "2.4.6"},
    )
    return replace(answer, **changes)  # type: ignore[arg-type]


def of(circuit: Circuit, names: tuple[str, ...], target: str = "y", **changes: object) -> Answer:
    """An answer about any circuit, with one probe row and no front."""
    width = circuit.n_columns
    rows = np.full((1, width), 2.0)
    made = {
        "names": names,
        "target": target,
        "circuit": circuit,
        "front": (),
        "constants": (),
        "low": (1.0,) * width,
        "high": (3.0,) * width,
        "median": (2.0,) * width,
        "probe_X": rows,
        "probe_y": circuit.evaluate(rows),
        "points": no_points(),
    }
    return lens(**(made | changes))

"""What a fit ends with: everything that is printed, saved and applied to new rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.settings import FitSettings, Status
from nalu_cli.table import Precision

__all__ = [
    "EVERY",
    "Answer",
    "Constant",
    "Errors",
    "Evidence",
    "FrontEntry",
    "Move",
    "Points",
    "Progress",
    "Rival",
    "Watch",
]

Floats = NDArray[np.float64]

EVERY = "all"
"""The key of `Answer.errors` for every row of a table of which an excerpt was fitted."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of a formula on one set of rows.

    Parameters
    ----------
    rows : int
        Number of rows.
    max_relative : float or None
        Largest |formula - target| / |target|; None without rows or where the formula is undefined.
    rmse : float or None
        Root mean squared error in the target's own unit.
    r2 : float or None
        Share of the variance explained; None when the target does not vary.
    """

    rows: int
    max_relative: float | None
    rmse: float | None
    r2: float | None


@dataclass(frozen=True, slots=True)
class Constant:
    """A real constant left in the formula.

    Parameters
    ----------
    value : float
        As used in the circuit.
    name : str or None
        A short name of the same value, such as ``4/3`` or ``1/(4*pi)``.
    odds : float or None
        Probability that a number drawn at random lies as close to some name as short as this one.
    standard_error : float or None
        Of the value, from the residuals; None for exact laws.
    """

    value: float
    name: str | None
    odds: float | None
    standard_error: float | None


@dataclass(frozen=True, slots=True)
class Move:
    """One weight, gate or constant of the trained stack on its way to its snapped value.

    Parameters
    ----------
    layer, unit : int
        Where it is, counted from 0.
    source : str
        The input it belongs to: a column's name, ``unit 2`` of the layer before, ``constant`` for
        the offset of a sum or the scale of a product, ``gate`` for the gate.
    trained, snapped : float
        Before and after.
    cost : float
        Rise of the training loss that the move was predicted to cost, after all others compensated.
    """

    layer: int
    unit: int
    source: str
    trained: float
    snapped: float
    cost: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the circuit came about.

    Parameters
    ----------
    found_by : str
        The strategy, such as ``product``, ``stacks``, or ``sum times factors``.
    restarts : int
        Random starts trained until then.
    moves : tuple of Move
        The snap table.
    """

    found_by: str
    restarts: int
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class FrontEntry:
    """A formula no other beats in both complexity and far error."""

    circuit: Circuit
    complexity: int
    far_rmse: float | None


@dataclass(frozen=True, slots=True)
class Rival:
    """Another formula that fits the rows as well, and where it says something else.

    Parameters
    ----------
    circuit : Circuit
    complexity : int
        In symbols.
    columns : tuple of int
        The columns that one of both formulas uses.
    point : tuple of float
        Their values where both differ most, in the box of all rows or up to its width beside it.
    value, rival_value : float
        What the answer and the rival say there.
    """

    circuit: Circuit
    complexity: int
    columns: tuple[int, ...]
    point: tuple[float, ...]
    value: float
    rival_value: float


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Rows of the table kept for pictures, or none of them.

    Parameters
    ----------
    columns : tuple of int
        Which of the answer's columns are kept.
    X : ndarray of shape (n_points, n_kept)
        Their values.
    measured, predicted : ndarray of shape (n_points,)
        The target and the formula's value, NaN where it is undefined.
    distance : ndarray of shape (n_points,)
        From the middle of the training box, which ends at 1, in the outermost column the formula
        uses.
    part : ndarray of int of shape (n_points,)
        Which set of rows, in the order of `Answer.errors`.
    """

    columns: tuple[int, ...]
    X: Floats
    measured: Floats
    predicted: Floats
    distance: Floats
    part: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.measured)


@dataclass(frozen=True, slots=True)
class Answer:
    """The formula of a table, with all that is known about it.

    Parameters
    ----------
    names : tuple of str
        Columns the circuit reads, in its order.
    target : str
        The column it computes.
    circuit : Circuit
        The snapped stack.
    status : Status
        What is claimed.
    complexity : int
        Description length in symbols: columns, constants and operations.
    errors : dict of str to Errors
        Keys ``train``, ``near`` and ``far`` or ``test``; ``all`` for every row of a long table.
    noise : float or None
        Estimated relative noise of the target: standard deviation over root mean square.
    constants : tuple of Constant
        The real constants of the circuit.
    front : tuple of FrontEntry
        From the simplest to the best; the circuit itself is one of them.
    evidence : Evidence
        Route and snap table.
    low, high, median : tuple of float
        Training box, one entry for each name.
    probe_X, probe_y : ndarray of shape (n_probe, n_columns) and (n_probe,)
        Rows with the circuit's values, checked when a model file is read.
    points : Points
        Rows for the pictures of a report.
    caveats : tuple of str
        What a careful reader should know.
    settings : FitSettings
        How it was asked for.
    interrupted : bool
        Whether the climb was stopped early.
    seconds : float
        Wall time of the fit.
    command : tuple of str
        The words of the command line that repeats the fit, if it came from one.
    versions : dict of str to str
        Of nalu, Python and the libraries that were used.
    rivals : tuple of Rival
        Formulas the rows cannot tell from this one.
    precision : dict of str to Precision
        How the cells of the columns and of the target are printed; empty in older model files.
    """

    names: tuple[str, ...]
    target: str
    circuit: Circuit
    status: Status
    complexity: int
    errors: dict[str, Errors]
    noise: float | None
    constants: tuple[Constant, ...]
    front: tuple[FrontEntry, ...]
    evidence: Evidence
    low: tuple[float, ...]
    high: tuple[float, ...]
    median: tuple[float, ...]
    probe_X: Floats
    probe_y: Floats
    points: Points = field(compare=False)
    caveats: tuple[str, ...]
    settings: FitSettings
    interrupted: bool = False
    seconds: float = field(default=0.0, compare=False)
    command: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    rivals: tuple[Rival, ...] = ()
    precision: dict[str, Precision] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the climb is: shown live, never part of the answer.

    Parameters
    ----------
    stage : str
        What is being tried, such as ``algebraic`` or ``trained product-sum``.
    step : int
        How many stages are done.
    restarts : int
        Random starts trained so far.
    names : tuple of str
        The columns the circuit reads.
    circuit : Circuit or None
        The best so far.
    far_error : float or None
        Its relative root mean squared error on the far rows.
    seconds : float
        Since the start.
    seconds_left : float or None
        Until the time limit.
    rows : int
        How many rows of a long table were read, or compared with the formula; 0 during the climb.
    """

    stage: str
    step: int
    restarts: int
    names: tuple[str, ...]
    circuit: Circuit | None
    far_error: float | None
    seconds: float
    seconds_left: float | None
    rows: int = 0


Watch = Callable[[Progress], None]

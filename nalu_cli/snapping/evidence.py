"""Snap by evidence: each number takes the cheapest value that the rows allow, the others moving."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit, UnitKind
from nalu_cli.polish import Network
from nalu_cli.problem import Rows
from nalu_cli.refit import Place, constants_of, positions, relax, with_constants
from nalu_cli.snapping.minimax import least_largest
from nalu_cli.snapping.prices import cheapest

__all__ = ["Settled", "settle"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LIMIT = 1.0
"""Largest error, in units of what each cell's printed digits allow."""

MOST_LINEARISED = 6
"""Times a model is linearised anew on its way to a fit. *Guess:* steps are quadratic in the end."""

LARGEST_STEP = 0.5
"""Of an exponent, and of a coefficient relative to its size. *Measured:* in the sketches."""

STANDARD_ERRORS = 3.0
"""Half-width of the interval in which a number's values are looked for. *Derived:* under rounding
the numbers that every row allows lie closer than that to the least squares."""

SURE = 4.0
"""Bits by which a value must be shorter than chance would have it, to be set with others at once.
*Derived:* one value in 16 would be so short by accident."""

OF_A_TERM = 6.0
"""Bits that dropping a term gains. *Derived:* a column's exponent and a digit or two."""

SAME_AGAIN = 3.0
"""Bits of a number that stands elsewhere in the formula already. *Guess:* which one it is."""

BITS_OF_A_REAL = 40.0
"""Of a number that keeps all its digits. *Guess:* more than any printed table can tell."""

MOST_NUMBERS = 24
"""*Guess:* a formula with more numbers is a fit."""

MOST_ROWS = 400
"""Rows that numbers are looked for on; all rows are asked in the end. *Guess.*"""


@dataclass(frozen=True, slots=True)
class Settled:
    """A circuit whose numbers are as short as the rows allow.

    Parameters
    ----------
    circuit : Circuit
    bits : float
        Price of its numbers.
    largest : float
        Largest error in units of what the printed digits allow.
    """

    circuit: Circuit
    bits: float
    largest: float


class _Model:
    """A circuit as a function of its numbers on some rows."""

    def __init__(self, circuit: Circuit, rows: Rows, half: Floats) -> None:
        relaxed = relax(circuit)
        self.network = Network(relaxed, rows.X)
        self.theta = Network.flatten(relaxed)[0]
        self.y, self.half = rows.y, half
        self.places = [p for p, v in constants_of(circuit).items() if v != 1.0]
        self.at = np.array(positions(self.network, self.places), dtype=np.intp)
        self.exponent = np.array([_is_exponent(circuit, p) for p in self.places], dtype=bool)
        self.term = np.array([p.source is not None for p in self.places]) & ~self.exponent

    def residuals(self, theta: Floats) -> tuple[Floats, Any]:
        """(f - y) / half of each of R settings of all weights: (R, N)."""
        value, traces = self.network.forward(theta)
        with np.errstate(all="ignore"):
            r = (value - self.y) / self.half
        return np.where(np.isfinite(r), r, 1e12), traces

    def slopes(self, theta: Floats, traces: Any) -> Floats:
        """Derivatives of the residuals by the numbers: (R, N, Q)."""
        slope = np.broadcast_to(1.0 / self.half, (len(theta), len(self.half)))
        return self.network.jacobian(theta, traces, slope)[:, :, self.at]


def settle(
    circuit: Circuit, rows: Rows, half: Floats, *, stop: Callable[[], bool] = lambda: False
) -> Settled | None:
    """Give each number its cheapest value that keeps every row inside what is printed.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
    half : ndarray of shape (N,)
        How far each value may be from its target.
    stop : callable
        Asked between rounds.

    Returns
    -------
    Settled or None
        None when no numbers keep every row inside.
    """
    if len(rows) > MOST_ROWS:
        chosen = np.linspace(0, len(rows) - 1, MOST_ROWS).astype(np.intp)
        rows, half = rows.take(chosen), half[chosen]
    model = _Model(circuit, rows, half)
    if not 0 < len(model.places) <= MOST_NUMBERS:
        largest = float(np.abs(model.residuals(model.theta[None])[0]).max())
        return Settled(circuit, 0.0, largest) if largest <= LIMIT and not model.places else None
    with np.errstate(all="ignore"):
        state = _State(model)
        if state.largest > LIMIT:
            return None
        while state.free.any() and not stop():
            if not state.advance():
                break
    return state.settled(circuit)


class _State:
    """Numbers on their way to short values."""

    def __init__(self, model: _Model) -> None:
        self.model = model
        self.free = np.ones(len(model.places), dtype=bool)
        self.bits = np.zeros(len(model.places))
        theta, largest = _fit(model, model.theta[None], self.free[None])
        self.theta, self.largest = theta[0], float(largest[0])

    def advance(self) -> bool:
        """Settle one number or several; False when none has a short value."""
        trials = self._trials()
        ranked = sorted(self._cheapest(trials), key=lambda t: -t.gain)
        if not ranked:
            return False
        sure = max(1, sum(trial.gain >= SURE for trial in ranked))
        thetas, free = self._prefixes(ranked[:sure])
        thetas, largest = _fit(self.model, thetas, free)
        fits = np.flatnonzero(largest <= LIMIT)
        if not len(fits):
            return False
        longest = int(fits.max())
        self.theta, self.free, self.largest = thetas[longest], free[longest], float(largest[longest])
        for trial in ranked[: longest + 1]:
            self.bits[trial.number] = trial.bits
        return True

    def _trials(self) -> list[_Trial]:
        """All values worth trying for all free numbers."""
        errors = self._standard_errors()
        values = self.theta[self.model.at]
        trials = []
        for q in np.flatnonzero(self.free):
            exponent = bool(self.model.exponent[q])
            scale = 1.0 if exponent else abs(values[q])
            width = STANDARD_ERRORS * errors[q]
            surprise = -math.log2(max(2 * errors[q] / scale, 1e-15))
            for bits, x in cheapest(
                values[q], width, exponent=exponent, related=self._related(q, values), most=8
            ):
                if x == 0 and not (exponent or self.model.term[q]):
                    continue
                gain = OF_A_TERM if x == 0 and not exponent else surprise - bits
                trials.append(_Trial(int(q), x, bits, gain))
        return trials

    def _related(self, q: int, values: Floats) -> list[tuple[float, float]]:
        """Values of numbers that are settled, as this one may have."""
        found = []
        same = (self.model.exponent == self.model.exponent[q]) & ~self.free
        for k in np.flatnonzero(same):
            value, sign = abs(values[k]), math.copysign(1.0, values[q])
            if value and self.bits[k] > SAME_AGAIN:
                found.append((SAME_AGAIN, sign * value))
        return found

    def _standard_errors(self) -> Floats:
        """Of each number, the others free, as if rounding were normal noise of its size."""
        _, traces = self.model.residuals(self.theta[None])
        J = self.model.slopes(self.theta[None], traces)[0][:, self.free]
        lengths = np.linalg.norm(J, axis=0) + 1e-300
        inverse = np.linalg.pinv(J / lengths, rcond=1e-10)
        errors = np.zeros(len(self.free))
        errors[self.free] = np.linalg.norm(inverse, axis=1) / lengths
        return errors

    def _cheapest(self, trials: list[_Trial]) -> list[_Trial]:
        """Of each number the cheapest value that fits."""
        if not trials:
            return []
        fits = self._fitting(trials)
        best: dict[int, _Trial] = {}
        for trial, fit in zip(trials, fits, strict=True):
            if fit and (trial.number not in best or trial.bits < best[trial.number].bits):
                best[trial.number] = trial
        return list(best.values())

    def _fitting(self, trials: list[_Trial]) -> Bools:
        thetas = np.repeat(self.theta[None], len(trials), axis=0)
        free = np.repeat(self.free[None], len(trials), axis=0)
        self._set(thetas, free, [[t] for t in trials])
        return _fit(self.model, thetas, free)[1] <= LIMIT

    def _prefixes(self, ranked: list[_Trial]) -> tuple[Floats, Bools]:
        """The first, the first two, and so on, set at once."""
        thetas = np.repeat(self.theta[None], len(ranked), axis=0)
        free = np.repeat(self.free[None], len(ranked), axis=0)
        self._set(thetas, free, [ranked[: k + 1] for k in range(len(ranked))])
        return thetas, free

    def _set(self, thetas: Floats, free: Bools, settings: list[list[_Trial]]) -> None:
        """Set numbers, the others following as the linear model has it."""
        residual, traces = self.model.residuals(self.theta[None])
        J = self.model.slopes(self.theta[None], traces)
        shifts = np.zeros(free.shape)
        for r, setting in enumerate(settings):
            for trial in setting:
                shifts[r, trial.number] = trial.value - self.theta[self.model.at[trial.number]]
                free[r, trial.number] = False
        moved = residual + (J[0] @ shifts.T).T
        moves, _ = least_largest(moved, J, free, limit=LIMIT)
        thetas[:, self.model.at] += shifts + _clipped(self.model, self.theta[None], moves)
        for r, setting in enumerate(settings):
            for trial in setting:
                thetas[r, self.model.at[trial.number]] = trial.value

    def settled(self, circuit: Circuit) -> Settled | None:
        """The circuit with its numbers."""
        values = self.theta[self.model.at]
        places = dict(zip(self.model.places, map(float, values), strict=True))
        try:
            new = with_constants(circuit, places)
        except ValueError:
            return None
        real = np.where(self.free, BITS_OF_A_REAL, self.bits)
        return Settled(new, float(real.sum()), self.largest)


def _fit(model: _Model, theta: Floats, free: Bools) -> tuple[Floats, Floats]:
    """Move free numbers until every row is inside; see `minimax.least_largest`."""
    theta = theta.copy()
    r, traces = model.residuals(theta)
    largest = np.abs(r).max(axis=1)
    best, best_theta = largest.copy(), theta.copy()
    open_ = (best > LIMIT) & free.any(axis=1)
    for turn in range(MOST_LINEARISED):
        live = np.flatnonzero(open_)
        if not len(live):
            break
        r, traces = model.residuals(theta[live])
        J = model.slopes(theta[live], traces)
        moves, promised = least_largest(r, J, free[live], limit=0.98 * LIMIT)
        new = theta[live]
        new[:, model.at] += _clipped(model, theta[live], moves)
        largest = np.abs(model.residuals(new)[0]).max(axis=1)
        theta[live] = new
        better = largest < best[live]
        best[live[better]], best_theta[live[better]] = largest[better], new[better]
        hopeless = (promised > LIMIT) & ((turn >= 2) | ~better)
        open_[live] = (best[live] > LIMIT) & ~hopeless
    return best_theta, best


def _clipped(model: _Model, theta: Floats, moves: Floats) -> Floats:
    size = np.where(model.exponent, 1.0, np.abs(theta[:, model.at]))
    return np.clip(np.nan_to_num(moves), -LARGEST_STEP * size, LARGEST_STEP * size)


@dataclass(frozen=True, slots=True)
class _Trial:
    """A value for a number."""

    number: int
    value: float
    bits: float
    gain: float


def _is_exponent(circuit: Circuit, place: Place) -> bool:
    kind = circuit.layers[place.layer][place.unit].kind
    return kind is not UnitKind.SUM and place.source is not None

"""Optimal brain surgery, real weights to -1, 0, 1 and small powers, cheapest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.answer import Move
from nalu_cli.circuit import ALLOWED_EXPONENTS, Circuit, Layer, Term, Unit, UnitKind
from nalu_cli.circuit.relaxed import PRODUCT, SUM, Relaxed
from nalu_cli.fitting.levenberg_marquardt import Network, Residual, levenberg_marquardt
from nalu_cli.snapping.allowed_values import AllowedValues, grid, may_stay_real

__all__ = ["Snapped", "snap"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NEARLY_CLEAN = 1e-6
"""A polished loss below this share of the variance is not noise but an unfinished polish."""

SLACK = 1e-9
"""Loss that a snapped weight may cost while the others have not followed yet."""

AT_A_LAW = 1e-16
"""Below this loss the stack is at a law; from here on only rounding is tolerated."""

ROUNDING = 1e-24
"""Loss that rounding alone leaves."""

MOST_AT_ONCE = 6
POLISH_STEPS = 6


@dataclass(frozen=True, slots=True)
class Snapped:
    """One stack after the snap.

    Parameters
    ----------
    circuit : Circuit
    loss : float
        Mean squared error over the target's variance, as in training.
    restart : int
        Its place in the batch that came in.
    moves : tuple of Move
        What every weight cost.
    """

    circuit: Circuit
    loss: float
    restart: int
    moves: tuple[Move, ...]


class _Surgery:
    """The state of a batch under the knife; arrays are (R, P)."""

    def __init__(
        self, network: Network, theta: Floats, residual: Residual, allowed: AllowedValues
    ) -> None:
        self.network, self.residual = network, residual
        self.theta = theta
        self.frozen = np.zeros(theta.shape, dtype=bool)
        self.real = np.zeros(theta.shape, dtype=bool)
        self.cost = np.zeros(theta.shape)
        self.values, self.price = grid(network, allowed, len(theta))
        self.stays = may_stay_real(network, allowed, len(theta))
        self.loss = np.full(len(theta), np.inf)
        # stacks of many weights take more at once, or they would never be done
        self.most = max(MOST_AT_ONCE, theta.shape[1] // 10)
        self.batch = np.full(len(theta), self.most)

    def polish(
        self, rows: NDArray[np.intp], theta: Floats, frozen: Bools, steps: int
    ) -> tuple[Floats, Floats]:
        return levenberg_marquardt(
            self.network.take(rows), theta, self.residual, free=~frozen, steps=steps
        )


def snap(
    relaxed: Relaxed,
    X: Floats,
    y: Floats,
    *,
    log: bool = False,
    keep: int = 8,
    polish_steps: int = 25,
    allowed: AllowedValues | None = None,
    names: Sequence[str] = (),
    free: Bools | None = None,
    more: tuple[Floats, Floats] | None = None,
    stop: Callable[[], bool] | None = None,
) -> list[Snapped]:
    """Polish, keep the best, and move every weight to an allowed value at the least cost.

    With H = J'J of the residuals, weight i set to v raises their sum of squares, whose second
    derivatives are 2 H, by (v - w_i)^2 / [H^-1]_ii once the others have moved by
    (v - w_i) / [H^-1]_ii H^-1[:, i] (Hassibi and Stork, Second order derivatives for network
    pruning: Optimal Brain Surgeon, NIPS 1993, equation 5).

    Parameters
    ----------
    relaxed : Relaxed
    X : ndarray of shape (N, n_columns)
    y : ndarray of shape (N,)
    log : bool
        Compare logarithms; the target must keep its sign.
    keep : int
        Restarts that are snapped.
    polish_steps : int
        Steps before the first move.
    allowed : AllowedValues, optional
    names : sequence of str
        Column names for the snap table.
    free : ndarray of bool, shape (P,), optional
        Weights that take part; the others stay as they are.
    more : tuple of ndarray, optional
        X and y of more rows, for the snap of stacks that noise keeps from a clean fit.
    stop : callable, optional
        Asked between moves.

    Returns
    -------
    list of Snapped
        Best loss first.
    """
    allowed = allowed or AllowedValues()
    network, theta = Network(relaxed, X), Network.flatten(relaxed)
    residual = Residual(y, log=log)
    fixed = np.zeros(theta.shape, bool) if free is None else np.broadcast_to(~free, theta.shape)
    theta, loss = levenberg_marquardt(
        network, theta, residual, free=~fixed, steps=polish_steps, stop=stop
    )
    best = np.argsort(loss, kind="stable")[:keep]
    best = best[np.isfinite(loss[best])]
    if not len(best):
        return []
    clean = float(loss[best].min()) < NEARLY_CLEAN or len(y) < 8
    network = network.take(best)
    theta, loss, fixed = theta[best], loss[best], fixed[best]
    if not clean and more is not None:
        # what noise hides in few rows shows in many
        X, y = more
        residual, network.X = Residual(y, log=log), X
        theta, loss = levenberg_marquardt(
            network, theta, residual, free=~fixed, steps=POLISH_STEPS, stop=stop
        )
    state = _Surgery(network, theta.copy(), residual, allowed)
    state.frozen |= fixed
    state.loss = loss
    rise = 0.0 if clean else 2 * np.log(len(y)) / len(y)
    while _one_round(state, rise, clean=clean):
        if stop is not None and stop():
            break
    return _collected(state, best, theta, X.shape[1], names)


def _one_round(state: _Surgery, rise: float, *, clean: bool) -> bool:
    """Try the cheapest moves of every unfinished restart; False when all are done."""
    open_ = ~(state.frozen | state.real)
    rows = np.flatnonzero(open_.any(axis=1))
    if not len(rows):
        return False
    part = state.network.take(rows)
    theta, frozen = state.theta[rows], state.frozen[rows]
    inverse = _inverse_hessian(part, theta, frozen, state.residual)
    cost = _move_costs(theta, inverse, state.values[rows], state.price[rows], open_[rows])
    trial, new_frozen = theta.copy(), frozen.copy()
    chosen: list[NDArray[np.intp]] = []
    stuck = ~np.isfinite(cost).any(axis=(1, 2))
    state.real[rows[stuck]] |= open_[rows[stuck]]
    for r in range(len(rows)):
        where, value = _cheapest(cost[r], state.values[rows[r]], int(state.batch[rows[r]]))
        chosen.append(where)
        trial[r] = _compensated(
            part, r, theta[r], inverse[r], where, value, frozen[r], state.residual
        )
        new_frozen[r, where] = True
    trial, loss = state.polish(rows, trial, new_frozen, POLISH_STEPS)
    _accept(state, rows, trial, new_frozen, loss, chosen, cost, rise, clean=clean)
    return True


def _accept(
    state: _Surgery,
    rows: NDArray[np.intp],
    trial: Floats,
    frozen: Bools,
    loss: Floats,
    chosen: list[NDArray[np.intp]],
    cost: Floats,
    rise: float,
    *,
    clean: bool,
) -> None:
    for r, row in enumerate(rows):
        before = state.loss[row]
        if clean:
            limit = max(1e3 * before, ROUNDING) if before < AT_A_LAW else max(4 * before, SLACK)
        else:
            limit = before * (1 + rise * len(chosen[r]))
        if loss[r] <= limit:
            state.theta[row], state.frozen[row], state.loss[row] = trial[r], frozen[r], loss[r]
            state.cost[row, chosen[r]] = cost[r].min(axis=1)[chosen[r]]
            state.batch[row] = min(state.most, 2 * state.batch[row])
        elif len(chosen[r]) > 1:
            state.batch[row] = len(chosen[r]) // 4 or 1
        else:
            state.real[row, chosen[r]] = True


def _inverse_hessian(network: Network, theta: Floats, frozen: Bools, residual: Residual) -> Floats:
    f, traces = network.forward(theta)
    J = network.jacobian(theta, traces, residual.slope(f)) * (~frozen)[:, None, :]
    H = np.matmul(J.transpose(0, 2, 1), J)
    at = np.arange(H.shape[1])
    H[:, at, at] += 1e-10 * H[:, at, at].max(axis=1, keepdims=True) + 1e-30
    H[:, at, at] += np.where(frozen, 1e6, 0.0)
    return np.linalg.inv(H)


def _move_costs(
    theta: Floats, inverse: Floats, values: Floats, price: Floats, open_: Bools
) -> Floats:
    """Predicted rise of the loss for each weight and value: (R, P, G)."""
    diagonal = np.einsum("rpp->rp", inverse)
    distance = values - theta[:, :, None]
    cost: Floats = distance**2 / np.maximum(diagonal, 1e-30)[:, :, None]
    cost += 2e-7 * price + 2e-7 * np.abs(distance)
    cost[~np.isfinite(values) | ~np.isfinite(cost)] = np.inf
    cost[~open_] = np.inf
    return cost


def _cheapest(cost: Floats, values: Floats, most: int) -> tuple[NDArray[np.intp], Floats]:
    best = cost.argmin(axis=1)
    least = cost[np.arange(len(cost)), best]
    order = np.argsort(least, kind="stable")
    order = order[np.isfinite(least[order])]
    # only moves that cost next to nothing are taken together with the cheapest one
    safe = least[order] < max(2e-5, 2 * least[order[0]]) if len(order) else np.zeros(0, dtype=bool)
    where = order[: max(1, min(most, int(safe.sum())))]
    return where, values[where, best[where]]


def _compensated(
    network: Network,
    r: int,
    theta: Floats,
    inverse: Floats,
    where: NDArray[np.intp],
    value: Floats,
    frozen: Bools,
    residual: Residual,
) -> Floats:
    """The weights with some set and the others moved along, but where that is worse."""
    plain = theta.copy()
    plain[where] = value
    block = inverse[np.ix_(where, where)]
    try:
        pull = np.linalg.solve(
            block + 1e-12 * np.eye(len(where)) * np.trace(block), value - theta[where]
        )
    except np.linalg.LinAlgError:
        return plain
    move = np.clip(inverse[:, where] @ pull, -1, 1)
    moved = np.where(frozen, theta, theta + move)
    moved[where] = value
    both = network.take(np.array([r, r]))
    f, _ = both.forward(np.stack([plain, moved]))
    loss = np.square(residual(f)).sum(axis=1)
    return moved if loss[1] < loss[0] or not np.isfinite(loss[0]) else plain


def _collected(
    state: _Surgery, best: NDArray[np.intp], trained: Floats, n: int, names: Sequence[str]
) -> list[Snapped]:
    found = []
    fixed: Bools = np.all(state.frozen | state.stays, axis=1)
    for r in np.argsort(state.loss, kind="stable"):
        if not fixed[r] or not np.isfinite(state.loss[r]):
            continue
        circuit = _circuit(state.network, int(r), state.theta[r], n)
        if circuit is not None:
            moves = _moves(state, int(r), trained[r], n, names)
            found.append(Snapped(circuit, float(state.loss[r]), int(best[r]), moves))
    return found


KINDS = {SUM: UnitKind.SUM, PRODUCT: UnitKind.PRODUCT}


def _circuit(network: Network, r: int, theta: Floats, n: int) -> Circuit | None:
    """The stack as a circuit; None when a product's power is not an allowed one."""
    layers: list[Layer] = []
    for k, (W, b) in enumerate(network.parts(theta[None, :])):
        units = []
        for u in range(W.shape[2]):
            kind = KINDS.get(int(network.kinds[k][r, u]), UnitKind.MAGNITUDE)
            unit = _unit(kind, W[0, :, u], float(b[0, u]))
            if unit is None:
                return None
            units.append(unit)
        layers.append(tuple(units))
    return Circuit(n, tuple(layers))


def _unit(kind: UnitKind, w: Floats, constant: float) -> Unit | None:
    terms = []
    for i in np.flatnonzero(w):
        if kind is UnitKind.SUM:
            terms.append(Term(int(i), Fraction(1 if w[i] > 0 else -1), float(abs(w[i]))))
        else:
            exponent = Fraction(round(2 * float(w[i])), 2)
            if exponent not in ALLOWED_EXPONENTS or abs(float(exponent) - w[i]) > 1e-9:
                return None
            terms.append(Term(int(i), exponent))
    return Unit(kind, tuple(terms), constant)


def _moves(
    state: _Surgery, r: int, trained: Floats, n: int, names: Sequence[str]
) -> tuple[Move, ...]:
    moves, at, width = [], 0, 0
    columns = list(names) or [f"x{j}" for j in range(n)]
    for k, (i, o) in enumerate(state.network.shapes):
        sources = [f"unit {u + 1}" for u in range(width)] + columns + ["constant"]
        for u in range(o):
            gate = float(state.network.kinds[k][r, u] == SUM)
            moves.append(Move(k, u, "gate", gate, gate, 0.0))
            for s, source in enumerate(sources):
                p = at + s * o + u
                moves.append(
                    Move(
                        k,
                        u,
                        source,
                        float(trained[p]),
                        float(state.theta[r, p]),
                        float(state.cost[r, p]),
                    )
                )
        at += i * o + o
        width = o
    return tuple(moves)

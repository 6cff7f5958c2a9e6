"""A machine of three registers that reads programs character by character, learned and snapped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nalu_cli.experiments.papers.program_text import Lesson, Program, drawn
from nalu_cli.fitting.levenberg_marquardt import Residual, levenberg_marquardt

__all__ = ["ALLOWED", "Machine", "Machines", "learned_machine"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TOTAL, NUMBER, FACTOR = range(3)
"""The registers."""

PRODUCT, ONE, DIGIT = range(3, 6)
"""What else a unit may read: factor times number, one, and the value of the character."""

READS = {TOTAL: (TOTAL, PRODUCT, ONE), NUMBER: (NUMBER, ONE), FACTOR: (FACTOR, PRODUCT, ONE)}
"""What the sum for each register may read when an operator comes."""

DIGIT_READS, ANSWER_READS = (NUMBER, ONE, DIGIT), (TOTAL, PRODUCT, ONE)
"""What a digit's sum for the number, and the answer, may read."""

START = (0, 0, 1)
ALLOWED = np.array([0.0, 1.0, -1.0, 10.0])

RESTARTS, ATTEMPTS, STEPS = 64, 8, 40
FEWEST, KEPT = 8, 0.5
"""Of the restarts this share goes on to the next lesson, and at least so many."""

SPREAD = 0.5
"""How far from keeping what they have the registers start."""

SETTLED = 1e-20
"""Loss of a machine that gives all answers."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A snapped machine, which counts in whole numbers.

    Parameters
    ----------
    updates : mapping of str to tuple of tuple of int
        For each kind of character, 0 for all digits, the weights (6, 3) of the sums.
    answer : tuple of int
        Weights of the answer (6,).
    """

    updates: dict[str, tuple[tuple[int, ...], ...]]
    answer: tuple[int, ...]

    def read(self, text: str) -> int:
        """Answer a program, exactly."""
        registers: tuple[int, ...] = START
        for character in text:
            digit = int(character) if character.isdigit() else 0
            weights = self.updates["0" if character.isdigit() else character]
            seen = _seen(registers, digit)
            registers = tuple(
                sum(s * row[k] for s, row in zip(seen, weights, strict=True)) for k in range(3)
            )
        return sum(s * w for s, w in zip(_seen(registers, 0), self.answer, strict=True))


def _seen(registers: Sequence[int], digit: int) -> tuple[int, ...]:
    return (*registers, registers[FACTOR] * registers[NUMBER], 1, digit)


class Machines:
    """R machines with real weights, over the same programs.

    Parameters
    ----------
    programs : sequence of Program
    operators : str
        Their characters.

    Notes
    -----
    The weights are one flat vector for each machine: (kinds of characters, 6, 3), then (6,).
    """

    def __init__(self, programs: Sequence[Program], operators: str) -> None:
        self.operators = operators
        self.kinds = 1 + len(operators)
        self.size = 18 * self.kinds + 6
        shape = (len(programs), max(len(program.text) for program in programs))
        self.kind = np.full(shape, -1)  # (N, L): -1 is past the end
        self.digit = np.zeros(shape)
        for n, program in enumerate(programs):
            for at, character in enumerate(program.text):
                is_digit = character.isdigit()
                self.kind[n, at] = 0 if is_digit else 1 + operators.index(character)
                self.digit[n, at] = int(character) if is_digit else 0

    def take(self, rows: NDArray[np.intp]) -> Machines:
        """The same: machines do not differ but in their weights."""
        return self

    def learned(self) -> Bools:
        """Which weights are learned, (P,); the others are as `kept` says."""
        updates = np.zeros((self.kinds, 6, 3), dtype=bool)
        updates[0, DIGIT_READS, NUMBER] = True
        for register, read in READS.items():
            updates[1:, read, register] = True
        answer = np.isin(np.arange(6), ANSWER_READS)
        return np.concatenate([updates.ravel(), answer])

    def kept(self) -> Floats:
        """Weights that keep what total and factor have, and answer with the total: (P,)."""
        updates = np.zeros((self.kinds, 6, 3))
        updates[0, FACTOR, FACTOR] = 1
        updates[:, TOTAL, TOTAL] = 1
        answer = (np.arange(6) == TOTAL).astype(float)
        return np.concatenate([updates.ravel(), answer])

    def forward(self, theta: Floats) -> tuple[Floats, list[Floats]]:
        """The answers (R, N), and what was seen at each step and at the end (R, N, 6)."""
        W, answer = self._parts(theta)
        state = np.broadcast_to(np.array(START, float), (len(theta), len(self.kind), 3))
        traces = []
        with np.errstate(all="ignore"):
            for kind, digit in zip(self.kind.T, self.digit.T, strict=True):
                traces.append(_features(state, digit))
                new = np.matmul(traces[-1][:, :, None, :], W[:, kind])[:, :, 0]
                state = np.where((kind >= 0)[:, None], new, state)
            traces.append(_features(state, np.zeros(len(state[0]))))
            answers: Floats = np.einsum("rnf,rf->rn", traces[-1], answer)
        return answers, traces

    def jacobian(self, theta: Floats, traces: list[Floats], slope: Floats) -> Floats:
        """Derivative of slope-weighted answers by all weights: (R, N, P)."""
        W, answer = self._parts(theta)
        with np.errstate(all="ignore"):
            by_answer = traces[-1] * slope[:, :, None]
            back = _to_registers(slope[:, :, None] * answer[:, None, :], traces[-1])
            by_update = np.zeros((*slope.shape, self.kinds, 6, 3))
            for t in range(self.kind.shape[1] - 1, -1, -1):
                live = np.flatnonzero(self.kind[:, t] >= 0)
                kind, seen = self.kind[live, t], traces[t][:, live]
                by_update[:, live, kind] += seen[:, :, :, None] * back[:, live, None, :]
                through = np.matmul(W[:, kind], back[:, live, :, None])[..., 0]
                back[:, live] = _to_registers(through, seen)
        J: Floats = np.concatenate([by_update.reshape(*slope.shape, -1), by_answer], axis=2)
        np.nan_to_num(J, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        return J

    def snapped(self, theta: Floats) -> Machine:
        """The machine of whole weights, (P,)."""
        W, answer = self._parts(theta[None])
        rows = [tuple(tuple(int(w) for w in row) for row in kind) for kind in W[0]]
        updates = dict(zip(f"0{self.operators}", rows, strict=True))
        return Machine(updates, tuple(int(w) for w in answer[0]))

    def _parts(self, theta: Floats) -> tuple[Floats, Floats]:
        return theta[:, :-6].reshape(-1, self.kinds, 6, 3), theta[:, -6:]


def _features(state: Floats, digit: Floats) -> Floats:
    """What sums may read: (R, N, 3), (N,) -> (R, N, 6)."""
    product = state[..., FACTOR] * state[..., NUMBER]
    more = (product, np.ones_like(product), np.broadcast_to(digit, product.shape))
    return np.concatenate([state, np.stack(more, axis=-1)], axis=-1)


def _to_registers(slope: Floats, seen: Floats) -> Floats:
    """Derivative by the registers, given that by what was seen: (R, N, 6) -> (R, N, 3)."""
    back = slope[..., :3].copy()
    back[..., NUMBER] += slope[..., PRODUCT] * seen[..., FACTOR]
    back[..., FACTOR] += slope[..., PRODUCT] * seen[..., NUMBER]
    return back


def learned_machine(
    lessons: Sequence[Lesson],
    operators: str,
    random: np.random.Generator,
    tick: Callable[[float], None],
) -> Machine | None:
    """Learn a machine from programs and their answers, lesson by lesson, and snap it.

    Parameters
    ----------
    lessons : sequence of Lesson
        From short programs to long ones.
    operators : str
    random : numpy Generator
        Of the programs and of the starts.
    tick : callable
        Told how much of the attempts is done.

    Returns
    -------
    Machine or None
        None if no attempt ended in a machine of allowed weights.
    """
    for attempt in range(ATTEMPTS):
        tick(attempt / ATTEMPTS)
        machines = Machines(drawn(lessons[0], operators, random), operators)
        start = SPREAD * random.uniform(-1, 1, (RESTARTS, machines.size))
        theta = machines.kept() + np.where(machines.learned(), start, 0.0)
        for lesson in lessons:
            programs = drawn(lesson, operators, random)
            machines, residual = Machines(programs, operators), _residual(programs)
            free = np.broadcast_to(machines.learned(), theta.shape)
            with np.errstate(all="ignore"):
                theta, loss = levenberg_marquardt(machines, theta, residual, free=free, steps=STEPS)
            order = np.argsort(loss, kind="stable")[: max(FEWEST, round(KEPT * len(loss)))]
            theta, loss = theta[order], loss[order]
        for one in theta[loss < SETTLED]:
            whole = _snapped(machines, one, residual)
            if whole is not None:
                return machines.snapped(whole)
    return None


def _residual(programs: Sequence[Program]) -> Residual:
    """Errors relative to the size of a program's numbers, or to its answer if that is larger."""
    sizes = np.array([program.size for program in programs], dtype=float)
    answers = np.array([program.answer for program in programs], dtype=float)
    return Residual(answers, log=False, weights=1 / (1 + np.maximum(sizes, np.abs(answers))))


def _snapped(machines: Machines, theta: Floats, residual: Residual) -> Floats | None:
    """Move one weight after another to its allowed value, nearest first; the others make up."""
    theta, free = theta[None], machines.learned()
    while free.any():
        target = ALLOWED[np.abs(theta[0][:, None] - ALLOWED).argmin(axis=1)]
        distance = np.where(free, np.abs(theta[0] - target), np.inf)
        for at in np.argsort(distance, kind="stable")[: int(free.sum())]:
            trial, rest = theta.copy(), free & (np.arange(len(free)) != at)
            trial[0, at] = target[at]
            with np.errstate(all="ignore"):
                trial, loss = levenberg_marquardt(
                    machines, trial, residual, free=rest[None], steps=STEPS
                )
            if loss[0] < SETTLED:
                theta, free = trial, rest
                break
        else:
            return None
    whole: Floats = theta[0]
    return whole

"""Constants fitted and named, the form shortened; never worse than what came in."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Set
from dataclasses import dataclass

import numpy as np

from nalu_cli.circuit import Circuit, UnitKind
from nalu_cli.circuit.constants import Place, constants_of, with_constants
from nalu_cli.circuit.rounding_error import EPS, agreement
from nalu_cli.expression.canonical import expression_of
from nalu_cli.expression.closed_form import is_long, snap_value
from nalu_cli.expression.complexity import complexity
from nalu_cli.expression.edits import with_shared_coefficients
from nalu_cli.expression.to_circuit import circuit_of
from nalu_cli.fitting import likelihood
from nalu_cli.fitting.fit_constants import refit
from nalu_cli.numerics.criterion import bic
from nalu_cli.refine.balance import balance, with_offsets_of_one
from nalu_cli.refine.simplify.signs import resolve_signs
from nalu_cli.rows import Rows

__all__ = ["Refined", "refine", "rewritten"]

SURE = 6.0
"""*Guess:* a constant may be given a name that lies within this many of its standard errors."""

SIGNIFICANT = 3.0
"""*Guess:* a term whose coefficient is fewer standard errors from 0 is tried without; it is dropped
only if the formula fits as well."""

MOST_UNSURE = 0.05
"""*Guess:* a constant known less well than this, relative to its size, gets no name: among the
names of short numbers one would be near by chance."""

LEAST_TOLERANCE = 8 * EPS
"""*Guess:* a fitted constant is off by a few roundings at least, whatever its standard error."""

LARGEST_INTEGER, NEAR = 10, 3.0
"""*Guess:* integers that several constants may be, each within so many standard errors."""

SAVED_TOGETHER = 6
"""*Guess:* integers are taken for several constants when that saves as many symbols as two
constants without a name have."""

MOST_NAMED = 60
"""*Guess:* a formula with more real constants is not a law, and names for them would be chance."""

MOST_NOISY = 16
"""*Guess:* under noise a formula with more constants is a fit, and a shorter form makes it no law.
Looking for one takes long."""

MOST_SHARED = 6
"""*Guess:* pairs of terms for which one common coefficient is tried; each takes several fits."""

HOPELESS = 1e4
"""*Guess:* errors this many times larger than rounding explains do not come from constants that
are not precise yet."""

MOST_ROUNDING = 1.5
"""*Guess:* another form of a formula is rounded in other places, so its largest error may grow by
this factor even where it is more than rounding explains."""


@dataclass(frozen=True, slots=True)
class Refined:
    """A circuit after refinement.

    Parameters
    ----------
    circuit : Circuit
    standard_errors : dict of Place to float
        Of its constants.
    """

    circuit: Circuit
    standard_errors: dict[Place, float]

    def most_certain(self, tried: Set[Place]) -> Place | None:
        """The constant with the smallest relative error, but for those tried already."""
        values = constants_of(self.circuit)
        places = [p for p in values if p in self.standard_errors and p not in tried]
        return min(places, key=self._relative_error, default=None)

    def nearest_integer(self, fixed: Set[Place]) -> Place | None:
        """The most certain of the constants that may be integers; None where there is none."""
        values = constants_of(self.circuit).items()
        near = [p for p, v in values if p not in fixed and self._may_be_integer(p, v)]
        return min(near, key=self._relative_error, default=None)

    def _may_be_integer(self, place: Place, value: float) -> bool:
        return (
            place in self.standard_errors
            and is_long(value)
            and 1 <= abs(round(value)) <= LARGEST_INTEGER
            and abs(round(value) - value) <= NEAR * self.standard_errors[place]
        )

    def least_significant(self) -> Place | None:
        """The coefficient or offset that the rows tell least from 0; None where they tell all."""
        doubtful = [
            p
            for p, v in constants_of(self.circuit).items()
            if p in self.standard_errors
            and abs(v) < SIGNIFICANT * self.standard_errors[p]
            and self._is_term(p)
        ]
        return max(doubtful, key=self._relative_error, default=None)

    def _is_term(self, place: Place) -> bool:
        return self.circuit.layers[place.layer][place.unit].kind is UnitKind.SUM

    def _relative_error(self, place: Place) -> float:
        return self.standard_errors[place] / abs(constants_of(self.circuit)[place])

    def names(self, place: Place, *, noisy: bool) -> list[float]:
        """Values worth trying for a constant: 1 is structure and needs no odds, names do."""
        value, error = constants_of(self.circuit)[place], self.standard_errors[place]
        relative = error / abs(value)
        found = []
        if noisy and abs(abs(value) - 1) < SURE / 2 * error and relative < 1 / SURE:
            found.append(math.copysign(1.0, value))
        tolerance = min(max(SURE * relative, LEAST_TOLERANCE), MOST_UNSURE)
        named = snap_value(value, tolerance)
        if named != value:
            found.append(named)
        return found


def refine(
    circuit: Circuit,
    rows: Rows,
    *,
    sigma: float | None = None,
    others: Rows | None = None,
    worthwhile: Callable[[Circuit], bool] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Refined:
    """Fit and name the constants, then look for the shortest equal form.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
        Training rows.
    sigma : float or None
        Standard deviation of the target's error; None for data without noise.
    others : Rows, optional
        Held-out rows, to which nothing is fitted: without noise a shorter form must agree with
        them as well as the longer one did, because equal forms are rounded differently.
    worthwhile : callable, optional
        Whether to look for a form shorter than the given one with names, which takes most time.
    stop : callable
        Asked before each rewriting.

    Returns
    -------
    Refined
    """
    refinement = _Refinement(rows, sigma, others, stop)
    fitted = refinement.fit(circuit)
    if sigma is None:
        hopeless = agreement(fitted.circuit, rows) > HOPELESS
        if hopeless or len(fitted.standard_errors) > MOST_NAMED:
            return fitted
        return refinement.shorten(refinement.simplify_constants(circuit))
    found = [fitted, Refined(circuit, fitted.standard_errors)]
    if len(constants_of(balance(circuit))) <= MOST_NOISY:
        best = refinement.simplify_constants(circuit)
        if worthwhile is None or worthwhile(best.circuit):
            best = refinement.shorten(best)
            best = refinement.normalise_offsets(best)
            best = refinement.share_coefficients(best)
            best = refinement.round_to_integers(best)
        found.insert(0, best)
    return min(found, key=lambda refined: refinement.criterion(refined.circuit))


def rewritten(
    circuit: Circuit,
    rows: Rows,
    *,
    length: Callable[[Circuit], float],
    stop: Callable[[], bool],
) -> Circuit:
    """A shorter form of a circuit whose numbers stay, if it agrees with the printed rows as well.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
    length : callable
        What must not grow.
    stop : callable
        Asked before each rewriting.

    Returns
    -------
    Circuit
        The same one where there is none.
    """
    for rewrite in REWRITES:
        if stop():
            break
        new = rewrite(circuit, rows)
        if length(new) <= length(circuit) and likelihood.agreement(new, rows) <= 1.0:
            circuit = new
    return circuit


def _resolve_signs(circuit: Circuit, rows: Rows) -> Circuit:
    return resolve_signs(circuit, rows.X)


def _shorten(circuit: Circuit, rows: Rows) -> Circuit:
    # the algebra it rests on takes half a second to import, and most fits end without it
    from nalu_cli.refine.simplify.shorten import shorten

    return shorten(circuit, positive=[bool((column > 0).all()) for column in rows.X.T])


REWRITES = (_resolve_signs, _shorten, _resolve_signs)
"""Rewritings that keep the values on the rows; signs may be resolved again in a shorter form."""


@dataclass(frozen=True, slots=True)
class _Refinement:
    """The rows that circuits are refined on, and when one fits as well as another.

    Parameters
    ----------
    rows, sigma, others, stop
        As in `refine`.
    """

    rows: Rows
    sigma: float | None
    others: Rows | None
    stop: Callable[[], bool]

    # ---- how well a circuit fits

    def fits_as_well(self, new: Circuit, old: Circuit) -> bool:
        """Whether a new circuit fits as well as an old one, as far as the rows tell."""
        if self.sigma is None:
            return self._agrees_as_well(new, old)
        if self.rows.half_y is not None and likelihood.agreement(old, self.rows) <= 1.0:
            # what agrees with every printed digit is no better for fitting the digits cut off
            return likelihood.agreement(new, self.rows) <= 1.0
        # a constant that is given up may cost what one counts for in the criterion
        n = len(self.rows)
        return bic(self._chi_squared(new), n, 0) <= bic(self._chi_squared(old), n, 1)

    def _agrees_as_well(self, new: Circuit, old: Circuit) -> bool:
        parts = [self.rows] if self.others is None else [self.rows, self.others]
        return all(agreement(new, p) <= max(1.0, MOST_ROUNDING * agreement(old, p)) for p in parts)

    def criterion(self, circuit: Circuit) -> float:
        """Bayesian information criterion on the rows."""
        return bic(self._chi_squared(circuit), len(self.rows), complexity(circuit))

    def _chi_squared(self, circuit: Circuit) -> float:
        with np.errstate(all="ignore"):
            residuals = (circuit.evaluate(self.rows.X) - self.rows.y) / (self.sigma or 1.0)
            total = float(np.sum(residuals**2))
        return total if np.isfinite(total) else np.inf

    # ---- constants

    def fit(self, circuit: Circuit, fixed: Set[Place] = frozenset()) -> Refined:
        """The constants fitted, but for those that are fixed."""
        return Refined(*refit(circuit, self.rows, sigma=self.sigma, fixed=fixed))

    def simplify_constants(self, circuit: Circuit) -> Refined:
        """Fit the constants, drop those that are insignificant, and name the others."""
        fitted = self.fit(balance(circuit))
        if not self.fits_as_well(fitted.circuit, circuit):
            fitted = self.fit(circuit)
        return self.name_constants(self.drop_insignificant(fitted))

    def drop_insignificant(self, best: Refined) -> Refined:
        """Drop the terms and offsets that the rows cannot tell from 0, least certain first."""
        for _ in range(min(len(best.standard_errors), MOST_NAMED)):
            place = best.least_significant()
            if place is None:
                break
            trial = self.fit(with_constants(best.circuit, {place: 0.0}))
            if not self.fits_as_well(trial.circuit, best.circuit):
                break
            best = trial
        return best

    def name_constants(self, best: Refined, fixed: Set[Place] = frozenset()) -> Refined:
        """Give names to the constants, the most certain first, and fit the others each time."""
        tried: set[Place] = set()
        if len(best.standard_errors) > MOST_NAMED:
            return best
        while (place := best.most_certain(tried)) is not None:
            tried.add(place)
            for named in best.names(place, noisy=self.sigma is not None):
                trial = self._with_constant(best, place, named, fixed)
                if self.fits_as_well(trial.circuit, best.circuit):
                    best, fixed = trial, fixed | {place}
                    break
        return best

    def _with_constant(
        self, best: Refined, place: Place, value: float, fixed: Set[Place]
    ) -> Refined:
        """One constant set to a value, and the others fitted but for those that are fixed."""
        changed = with_constants(best.circuit, {place: value})
        fitted = self.fit(changed, fixed | {place})
        return Refined(fitted.circuit, best.standard_errors | fitted.standard_errors)

    def round_to_integers(self, best: Refined) -> Refined:
        """Round several constants to integers, if together they shorten the formula enough.

        Constants that compensate one another, as in ``9/(3 - a) - 2``, are each known badly; once
        one is fixed the others are known well, and hardly integers by chance.
        """
        rounded, fixed = best, set[Place]()
        while (place := rounded.nearest_integer(fixed)) is not None:
            value = float(round(constants_of(rounded.circuit)[place]))
            trial = self._with_constant(rounded, place, value, fixed)
            if not self.fits_as_well(trial.circuit, rounded.circuit):
                break
            rounded = trial
            fixed.add(place)
        named = self.name_constants(rounded, fixed)
        saved = complexity(best.circuit) - complexity(named.circuit)
        return named if saved >= SAVED_TOGETHER else best

    # ---- the form

    def shorten(self, best: Refined) -> Refined:
        """The shortest equal form, its constants fitted and named again."""
        for rewrite in REWRITES:
            if self.stop():
                break
            best = self._rewritten(best, rewrite(best.circuit, self.rows))
        return best

    def _rewritten(self, best: Refined, new: Circuit) -> Refined:
        """Another form with its constants fitted and named, if it is no longer and fits."""
        if new == best.circuit or complexity(new) > complexity(best.circuit):
            return best
        if not self.fits_as_well(new, best.circuit):
            return best
        named = self.simplify_constants(new)
        is_short = complexity(named.circuit) <= complexity(new)
        if is_short and self.fits_as_well(named.circuit, best.circuit):
            return named
        return Refined(new, self.fit(new).standard_errors)

    def normalise_offsets(self, best: Refined) -> Refined:
        """Sums with an offset of 1, if that makes the number before them a simple one.

        Without noise ratios of constants are simple to the last digit; here they must be fitted.
        """
        trial = with_offsets_of_one(best.circuit)
        if trial == best.circuit:
            return best
        # offsets stay fixed, or the number before a sum and its offset would compensate each other
        ones = {place for place, value in constants_of(trial).items() if value == 1.0}
        named = self.name_constants(self.fit(trial, ones), ones)
        return named if self._is_better(named, best) else best

    def share_coefficients(self, best: Refined) -> Refined:
        """One coefficient before the sum of two terms, where the errors allow it."""
        trees = with_shared_coefficients(expression_of(best.circuit))
        for tree in itertools.islice(trees, MOST_SHARED):
            if self.stop():
                break
            trial = self.simplify_constants(circuit_of(tree, best.circuit.n_columns))
            if self._is_better(trial, best):
                return self.share_coefficients(trial)
        return best

    def _is_better(self, new: Refined, best: Refined) -> bool:
        """Whether it is shorter and fits as well."""
        is_shorter = complexity(new.circuit) < complexity(best.circuit)
        return is_shorter and self.fits_as_well(new.circuit, best.circuit)

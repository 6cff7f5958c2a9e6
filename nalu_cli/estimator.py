"""The fit as an estimator of scikit-learn, which is an extra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nalu_cli.errors import NaluError
from nalu_cli.exporters import latex_formula
from nalu_cli.expression.text import formula_text
from nalu_cli.pipeline import fit_table
from nalu_cli.settings import CellName, Device, Effort, FitSettings
from nalu_cli.table import table_of_arrays

try:
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import (
        _check_sample_weight,
        check_is_fitted,
        validate_data,
    )
except ImportError as why:
    raise ImportError(
        "scikit-learn is not installed; run `pip install 'nalu-cli[sklearn]'`"
    ) from why

if TYPE_CHECKING:
    import sympy

    from nalu_cli.answer import Answer
    from nalu_cli.table import Table

__all__ = ["NaluRegressor"]

Floats = NDArray[np.float64]

LARGEST_SEED = 2**31


class NaluRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Finds the arithmetic formula behind a target and predicts with it.

    Parameters
    ----------
    effort : {"quick", "normal", "thorough"}
        How far to go.
    time_limit : float, optional
        Seconds after which the best formula so far is taken; left to `effort` when None.
    cell : str
        The cell that is trained, such as ``"auto"`` or ``"nalu"``.
    layers : int, optional
        Train stacks of exactly this many layers; None goes through the whole schedule.
    train_only : bool
        Train stacks alone; solve nothing in closed form.
    ternary : bool
        Allow no weights but -1, 0 and 1.
    constants : bool
        Allow constants other than 0 and 1.
    noise : float, optional
        Relative noise of the target; estimated when None, as it must be beside weights.
    far_share : float
        Share of the rows, the outermost ones, held out to measure extrapolation.
    random_state : int, RandomState instance or None
        Equal integers give equal formulas.
    device : {"auto", "cpu", "cuda"}
        Where stacks are trained.
    threads : int
        Workers; the formula does not depend on them.

    Attributes
    ----------
    formula_ : str
        In Python syntax and the names of the columns.
    status_ : str
        ``"exact"``, ``"exact_as_printed"``, ``"within_noise"``, ``"approximate"`` or
        ``"none"``.
    answer_ : Answer
        All that is known about it; `save_model` writes it to a file.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Their names, where the table had names.
    """

    def __init__(
        self,
        *,
        effort: str = "quick",
        time_limit: float | None = None,
        cell: str = "auto",
        layers: int | None = None,
        train_only: bool = False,
        ternary: bool = False,
        constants: bool = True,
        noise: float | None = None,
        far_share: float = 0.15,
        random_state: Any = 0,
        device: str = "auto",
        threads: int = 1,
    ) -> None:
        self.effort = effort
        self.time_limit = time_limit
        self.cell = cell
        self.layers = layers
        self.train_only = train_only
        self.ternary = ternary
        self.constants = constants
        self.noise = noise
        self.far_share = far_share
        self.random_state = random_state
        self.device = device
        self.threads = threads

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NaluRegressor:
        """Find the formula.

        Parameters
        ----------
        X : array or DataFrame of shape (n_rows, n_columns)
        y : array or Series of shape (n_rows,)
        sample_weight : array of shape (n_rows,), optional
            One over the square of the standard error of each target; rows of weight 0 are left
            out. None where no errors are known.

        Returns
        -------
        NaluRegressor
            Itself.

        Raises
        ------
        ValueError
            If a parameter is out of range, or the rows cannot be used.
        """
        target = str(getattr(y, "name", None) or "y")
        X, y = validate_data(
            self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2, copy=True
        )
        names = [str(name) for name in self._names()]
        while target in names:
            target += "_"
        rows = np.column_stack([X, np.asarray(y, dtype=np.float64)])
        table, sigma = _table(rows, (*names, target), _weights(sample_weight, X))
        try:
            self.answer_: Answer = fit_table(table, target, self._settings(), sigma=sigma)
        except NaluError as why:
            raise ValueError(str(why)) from why
        self.formula_: str = formula_text(self.answer_.circuit, self.answer_.names)
        self.status_: str = self.answer_.status.value
        return self

    def predict(self, X: Any) -> Floats:
        """The formula's value on each row.

        Parameters
        ----------
        X : array or DataFrame of shape (n_rows, n_columns)

        Returns
        -------
        ndarray of shape (n_rows,)
            NaN where the formula is undefined, infinite at a pole.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        places = [list(self._names()).index(name) for name in self.answer_.names]
        return self.answer_.circuit.evaluate(X[:, places])

    def sympy(self) -> sympy.Expr:
        """The formula as an expression of sympy; each column is a real symbol of its name."""
        from nalu_cli.refine.simplify.symbols import sympy_form

        check_is_fitted(self)
        return sympy_form(self.answer_.circuit, self.answer_.names)

    def latex(self) -> str:
        """The formula as LaTeX, to be set in mathematics mode."""
        check_is_fitted(self)
        return latex_formula(self.answer_.circuit, self.answer_.names)

    def _names(self) -> list[str]:
        named = getattr(self, "feature_names_in_", None)
        return [f"x{j}" for j in range(self.n_features_in_)] if named is None else list(named)

    def _settings(self) -> FitSettings:
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(LARGEST_SEED)
        return FitSettings(
            effort=Effort(self.effort),
            time_limit=self.time_limit,
            cell=CellName(self.cell),
            layers=self.layers,
            train_only=self.train_only,
            ternary=self.ternary,
            constants=self.constants,
            noise=self.noise,
            far_share=self.far_share,
            seed=int(seed),
            device=Device(self.device),
            threads=self.threads,
        )


def _weights(given: Any, X: Floats) -> Floats | None:
    """The weight of each row; None where none were given."""
    if given is None:
        return None
    return np.asarray(_check_sample_weight(given, X, ensure_non_negative=True), np.float64)


def _table(
    rows: Floats, names: tuple[str, ...], weights: Floats | None
) -> tuple[Table, str | None]:
    """Inputs and target as a table, with a column of standard errors where there are weights."""
    *inputs, target = names
    if weights is None:
        return table_of_arrays(rows[:, :-1], rows[:, -1], inputs, target), None
    sigma = "sigma"
    while sigma in names:
        sigma += "_"
    counts = weights > 0
    X = np.column_stack([rows[counts, :-1], 1 / np.sqrt(weights[counts])])
    return table_of_arrays(X, rows[counts, -1], [*inputs, sigma], target), sigma

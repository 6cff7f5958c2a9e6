"""The estimator keeps the contract of scikit-learn and speaks of columns by their names."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sympy
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks
from tables import uniform

from nalu_cli import NaluRegressor, fit_table, load_model, save_model
from nalu_cli.refine.simplify.symbols import sympy_form

EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a weight is the error of one row, not a number of rows, some of which would be kept back"
    ),
}
"""Checks of scikit-learn that the estimator does not pass, and why."""


@pytest.mark.slow
@parametrize_with_checks(
    [NaluRegressor(time_limit=10)], expected_failed_checks=lambda estimator: EXPECTED_FAILURES
)
def test_the_contract_of_scikit_learn(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def frame(rows: int = 200) -> tuple[pd.DataFrame, pd.Series]:
    X = pd.DataFrame(uniform(1, rows, 3), columns=["speed [m/s]", "E", "lambda"])
    y = (X["speed [m/s]"] * X["E"] / X["lambda"]).rename("force")
    return X, y


def test_a_law_is_found_in_the_names_of_the_columns() -> None:
    X, y = frame()
    model = NaluRegressor().fit(X, y)
    assert model.formula_ == "`speed [m/s]`*E/`lambda`"
    assert model.status_ == "exact"
    assert model.answer_.target == "force"
    assert model.latex().startswith("\\frac{")
    far = X * [1e3, 1e-3, 7]
    expected = far["speed [m/s]"] * far["E"] / far["lambda"]
    np.testing.assert_allclose(model.predict(far), expected, rtol=1e-14)
    speed, energy, length = (sympy.Symbol(name, real=True) for name in X.columns)
    assert model.sympy() == speed * energy / length


@pytest.mark.parametrize("names", [["y", "y_"], ["x0", "x1"], None])
def test_no_name_is_special(names: list[str] | None) -> None:
    X = uniform(2, 100, 2)
    table: Any = X if names is None else pd.DataFrame(X, columns=names)
    model = NaluRegressor().fit(table, X[:, 0] * X[:, 1])
    assert model.formula_ == "*".join(names or ["x0", "x1"])


def test_columns_that_say_nothing_may_stand_anywhere() -> None:
    X = np.insert(uniform(3, 100, 2), 1, 4.0, axis=1)
    model = NaluRegressor().fit(X, X[:, 0] / X[:, 2])
    assert model.formula_ == "x0/x2"
    np.testing.assert_allclose(model.predict(X), X[:, 0] / X[:, 2], rtol=1e-15)


def test_it_is_cloned_pickled_and_saved() -> None:
    X, y = frame()
    model = NaluRegressor(effort="normal", random_state=3).fit(X, y)
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    assert not hasattr(twin, "formula_")
    again = pickle.loads(pickle.dumps(model))
    assert again.formula_ == model.formula_
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_its_answer_is_a_model_of_the_command_line(tmp_path: Any) -> None:
    X, y = frame()
    model = NaluRegressor().fit(X, y)
    save_model(model.answer_, tmp_path / "model.pt")
    answer = load_model(tmp_path / "model.pt")
    np.testing.assert_array_equal(answer.circuit.evaluate(X.to_numpy()), model.predict(X))


def test_it_works_in_pipelines_and_searches() -> None:
    X, y = frame()
    model = make_pipeline(FunctionTransformer(), NaluRegressor())
    assert cross_val_score(model, X, y, cv=3) == pytest.approx(1.0)
    search = GridSearchCV(NaluRegressor(), {"far_share": [0.1, 0.3]}, cv=2).fit(X, y)
    assert search.best_score_ == pytest.approx(1.0)
    assert search.best_estimator_.status_ == "exact"


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("effort", "heroic"), ("far_share", 2.0), ("time_limit", -1.0), ("cell", "x"), ("layers", 0)],
)
def test_a_parameter_out_of_range_is_refused_when_it_is_used(parameter: str, value: Any) -> None:
    model = NaluRegressor(**{parameter: value})
    with pytest.raises(ValueError, match=str(value)):
        model.fit(*frame(20))


@pytest.mark.parametrize("state", [np.random.RandomState(3), None, np.int64(4)])
def test_random_states_of_all_kinds(state: Any) -> None:
    assert NaluRegressor(random_state=state).fit(*frame()).status_ == "exact"


def test_what_has_no_value_is_nan() -> None:
    X = uniform(4, 100, 2)
    model = NaluRegressor().fit(X, np.sqrt(X[:, 0] - 0.5 * X[:, 1] + 2))
    assert model.status_ == "exact"
    assert np.isnan(model.predict([[-100.0, 1.0]])).all()


def test_sympy_computes_what_the_circuit_does() -> None:
    X = uniform(5, 100, 2)
    model = NaluRegressor().fit(X, X[:, 0] ** 2 / 3 - 2.5 * np.sqrt(X[:, 1]))
    assert model.status_ == "exact"
    form = sympy_form(model.answer_.circuit, ["x0", "x1"])
    compute = sympy.lambdify([sympy.Symbol(n, real=True) for n in ("x0", "x1")], form)
    np.testing.assert_allclose(compute(*X.T), model.predict(X), rtol=1e-12)


def test_the_package_is_light_until_it_is_used() -> None:
    script = "import sys, nalu_cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert loaded.isdisjoint({"numpy", "pandas", "sklearn", "sympy", "torch"})


def test_weights_become_standard_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = frame(50)
    given: dict[str, Any] = {}

    def engine(table: Any, target: str, settings: Any, sigma: str | None) -> Any:
        given.update(table=table, sigma=sigma)
        return fit_table(table, target, settings, sigma=sigma)

    monkeypatch.setattr("nalu_cli.estimator.fit_table", engine)
    weights = np.arange(50.0)
    columns = X.rename(columns={"E": "sigma"})
    model = NaluRegressor().fit(columns, y, sample_weight=weights)
    assert model.formula_ == "`speed [m/s]`*sigma/`lambda`"
    assert given["sigma"] == "sigma_"
    np.testing.assert_array_equal(given["table"].column("sigma_"), 1 / np.sqrt(weights[1:]))
    np.testing.assert_array_equal(given["table"].column("force"), y[1:])


@pytest.mark.parametrize(
    ("weights", "message"), [(np.zeros(20), "non-zero|usable"), (-np.ones(20), "egative")]
)
def test_weights_that_cannot_be_used(weights: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NaluRegressor().fit(*frame(20), sample_weight=weights)


def test_weights_beside_a_noise_are_refused() -> None:
    with pytest.raises(ValueError, match="--sigma and --noise were both given"):
        NaluRegressor(noise=0.1).fit(*frame(20), sample_weight=np.ones(20))

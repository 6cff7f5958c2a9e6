"""Training: right basins, restarts that stand alone, the user's units, hostile numbers."""

import numpy as np
import pytest
import torch

from nalu_cli.errors import ResourceError
from nalu_cli.fitting.levenberg_marquardt import evaluate_relaxed
from nalu_cli.settings import CellName, Device
from nalu_cli.training.cells import CELLS, Operation, Path
from nalu_cli.training.stack import StackShape
from nalu_cli.training.train import column_scales, row_weights, train

S, M, F = Path.SUM, Path.PRODUCT, Path.FREE
SUM_OF_PRODUCTS = StackShape((M, S), (3, 1))
ROOT_OF_SUM = StackShape((S, M), (3, 1))


def columns(rows=200, count=2, seed=0):
    return np.random.default_rng(seed).uniform(1.0, 5.0, (rows, count))


def relative(f, y):
    return np.square(f - y).mean(axis=-1) / y.var()


def same(a, b):
    pairs = [(a.relaxed.loss, b.relaxed.loss), (a.order, b.order)]
    for one, other in zip(a.relaxed.layers, b.relaxed.layers, strict=True):
        pairs += [(one.kind, other.kind), (one.weights, other.weights)]
        pairs += [(one.constant, other.constant)]
    return all(np.array_equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("shape", [SUM_OF_PRODUCTS, ROOT_OF_SUM, StackShape((F, F), (3, 1))])
@pytest.mark.parametrize(
    "law", [lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a / b], ids=["+", "*", "/"]
)
def test_it_learns_arithmetic(shape, law):
    x = columns()
    y = law(*x.T)
    trained = train(shape, x, y, restarts=32, steps=150)
    assert relative(evaluate_relaxed(trained.relaxed, x), y).min() < 1e-2


OPERATIONS = {
    Operation.ADD: lambda a, b: a + b,
    Operation.SUBTRACT: lambda a, b: a - b,
    Operation.MULTIPLY: lambda a, b: a * b,
    Operation.DIVIDE: lambda a, b: a / b,
    Operation.SQUARE: lambda a, b: a * a,
    Operation.ROOT: lambda a, b: np.sqrt(a),
}


@pytest.mark.parametrize("name", [name for name in CellName if name is not CellName.AUTO])
def test_the_published_cells_learn_what_they_claim(name):
    cell, x = CELLS[name], columns()
    path = F if F in cell.paths else next(iter(cell.paths))
    shape = StackShape((path,), (1,), cell=name)
    for operation in cell.operations:
        y = OPERATIONS[operation](*x.T)
        trained = train(shape, x, y, restarts=48)
        assert trained.relaxed.loss[0] < 0.05, operation


def test_it_finds_a_distance():
    x = columns(256, 4)
    y = np.hypot(x[:, 0] - x[:, 1], x[:, 2] - x[:, 3])
    shape = StackShape((S, M, S, M), (3, 3, 1, 1), signed=False)
    assert train(shape, x, y, restarts=64, steps=200).relaxed.loss[0] < 2e-2


def test_restarts_come_sorted_and_complete():
    x = columns()
    trained = train(SUM_OF_PRODUCTS, x, x.prod(1), restarts=20, steps=30)
    assert np.all(np.diff(trained.relaxed.loss) >= 0)
    assert sorted(trained.order) == list(range(20))
    assert all(len(u) == 20 for u in trained.unanimity)


@pytest.mark.parametrize("shape", [SUM_OF_PRODUCTS, StackShape((S, M, S), (2, 2, 1), True)])
def test_a_restart_alone_is_the_same_restart_in_a_batch(shape):
    x = columns()
    y = x[:, 0] * x[:, 1] + x[:, 0]
    alone = train(shape, x, y, restarts=1, steps=30)
    batch = train(shape, x, y, restarts=80, steps=30, keep=1.0)
    at = int(np.flatnonzero(batch.order == 0)[0])
    for a, b in zip(alone.relaxed.layers, batch.relaxed.layers, strict=True):
        np.testing.assert_allclose(a.weights[0], b.weights[at], rtol=1e-3, atol=1e-4)


def test_the_result_does_not_depend_on_threads():
    x = columns()
    y = x[:, 0] / x[:, 1] + x[:, 1]
    one, two = (
        train(SUM_OF_PRODUCTS, x, y, restarts=150, steps=40, threads=n, seed=3) for n in (1, 2)
    )
    assert same(one, two)


def test_the_seed_decides():
    x = columns()
    a, b, c = (train(SUM_OF_PRODUCTS, x, x[:, 0], restarts=8, steps=10, seed=s) for s in (1, 1, 2))
    assert same(a, b)
    assert not same(a, c)


@pytest.mark.parametrize("size", [1e-20, 1e20])
@pytest.mark.parametrize("shape", [SUM_OF_PRODUCTS, ROOT_OF_SUM])
def test_weights_come_back_in_the_columns_own_units(size, shape):
    x = columns() * np.array([size, 1.0])
    y = x[:, 0] * x[:, 1]
    trained = train(shape, x, y, restarts=16, steps=60)
    f = evaluate_relaxed(trained.relaxed, x)
    if shape is ROOT_OF_SUM:
        f, y = np.log(np.abs(f)), np.log(y)
    np.testing.assert_allclose(trained.relaxed.loss, relative(f, y), rtol=1e-6)
    assert trained.relaxed.loss[0] < 0.1


HOSTILE = {
    "zeros": np.zeros((50, 2)),
    "around zero": np.linspace(-1, 1, 100).reshape(50, 2),
    "tiny": np.geomspace(1e-300, 1e-290, 100).reshape(50, 2),
    "huge": np.geomspace(1e290, 1e300, 100).reshape(50, 2),
    "all sizes": np.geomspace(1e-300, 1e300, 100).reshape(50, 2),
    "two rows": np.array([[1.0, 2.0], [3.0, 4.0]]),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("shape", [SUM_OF_PRODUCTS, ROOT_OF_SUM, StackShape((F, F), (2, 1))])
@pytest.mark.parametrize("cell", [CellName.AUTO, CellName.NALU])
def test_hostile_numbers_do_no_harm(name, shape, cell):
    if cell is CellName.NALU:
        shape = StackShape((F, F), (2, 1), cell=cell)
    x = HOSTILE[name]
    for y in (x[:, 0], -x[:, 1], np.ones(len(x)), np.where(x[:, 0] > x[0, 0], 1e300, -1e-300)):
        trained = train(shape, x, y, restarts=6, steps=20)
        for layer in trained.relaxed.layers:
            assert np.isfinite(layer.weights).all()
            assert np.isfinite(layer.constant).all()
        assert not np.isnan(trained.relaxed.loss).any()


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("cell", [cell for cell in CellName if cell is not CellName.AUTO])
def test_hostile_numbers_do_the_published_cells_no_harm(name, cell):
    x, paths = HOSTILE[name], CELLS[cell].paths
    path = F if F in paths else next(iter(paths))
    y = np.where(x[:, 0] > x[0, 0], 1e300, -1e-300)
    trained = train(StackShape((path, path), (2, 1), cell=cell), x, y, restarts=6, steps=20)
    for layer in trained.relaxed.layers:
        assert np.isfinite(layer.weights).all()
        assert np.isfinite(layer.constant).all()
    assert not np.isnan(trained.relaxed.loss).any()


def test_a_heavy_tail_does_not_hide_the_rest():
    x = columns()
    y = x[:, 0] * x[:, 1]
    y[7] = 1e6
    weights = row_weights(y)
    assert weights[7] < 1e-6 < weights.max()
    assert np.all(row_weights(x[:, 0]) == 1.0)


def test_columns_are_scaled_only_when_they_must_be():
    assert np.all(column_scales(columns()) == 1.0)
    together = column_scales(columns() * 1e9)
    assert together[0] == together[1] == 2.0 ** round(np.log2(together[0]))
    apart = column_scales(columns() * np.array([1.0, 1e-12]))
    assert apart[0] == 1.0
    assert apart[1] < 1e-10


def test_it_stops_when_told():
    x = columns()
    calls = []
    trained = train(
        SUM_OF_PRODUCTS,
        x,
        x[:, 0],
        restarts=8,
        steps=10**5,
        stop=lambda: len(calls) > 3 or calls.append(1),
    )
    assert len(trained.relaxed.loss) == 8


def test_a_device_that_is_not_there_is_named():
    if torch.cuda.is_available():
        pytest.skip("this machine has it")
    x = columns()
    with pytest.raises(ResourceError, match="CUDA"):
        train(SUM_OF_PRODUCTS, x, x[:, 0], restarts=2, steps=2, device=Device.CUDA)


def test_training_leaves_the_number_of_threads_alone():
    x, before = columns(), torch.get_num_threads()
    train(SUM_OF_PRODUCTS, x, x[:, 0], restarts=2, steps=2, threads=2)
    assert torch.get_num_threads() == before

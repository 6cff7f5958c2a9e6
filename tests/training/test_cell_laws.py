"""Laws every cell obeys."""

import itertools
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch.func import functional_call

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.circuit.relaxed import MAGNITUDE, PRODUCT, SUM, Relaxed, RelaxedLayer
from nalu_cli.fitting.levenberg_marquardt import evaluate_relaxed
from nalu_cli.settings import CellName
from nalu_cli.training.cells import CELLS, Cell, Gated, Operation, Path
from nalu_cli.training.cells.recipe import Ramp, Stairs

KIND_NAMES = {SUM: UnitKind.SUM, PRODUCT: UnitKind.PRODUCT, MAGNITUDE: UnitKind.MAGNITUDE}


@dataclass(frozen=True)
class Kind:
    cell: type[Cell]
    path: Path
    signed: bool

    def __call__(self, inputs=3, outputs=2, restarts=4, seed=0, units=0):
        streams = [np.random.default_rng([seed, r]) for r in range(restarts)]
        return self.cell(inputs, outputs, streams, units=units, path=self.path, signed=self.signed)


KINDS = [
    Kind(cell, path, signed)
    for cell in CELLS.values()
    for path in Path
    if path in cell.paths
    for signed in ((True, False) if cell is Gated else (True,))
]


@pytest.fixture(params=KINDS, ids=lambda k: f"{k.cell.__name__}-{k.path}-{k.signed}")
def kind(request):
    return request.param


def rows(n=16, inputs=3, restarts=4, seed=1, low=-2.0, high=2.0):
    x = torch.from_numpy(np.random.default_rng(seed).uniform(low, high, (restarts, n, inputs)))
    return x.float()


def put_weights(cell, weights, *, sums):
    """Set weights of shape (I, O) in every restart, and all gates to one side."""
    cell.settle(torch.as_tensor(np.asarray(weights), dtype=torch.float32), sums=sums)


def sides(kind):
    """Whether its gates can say sum, and product."""
    if kind.path is Path.FREE:
        return (True, False)
    return (kind.path is Path.SUM,)


def test_the_registry_knows_each_cell_by_its_name():
    assert all(cell.name is name for name, cell in CELLS.items())


def test_every_cell_says_where_it_comes_from():
    assert all(cell.paper and cell.paths and cell.operations for cell in CELLS.values())


def test_every_cell_is_final_and_in_a_file_of_its_own():
    assert all(getattr(cell, "__final__", False) for cell in CELLS.values())
    assert len({cell.__module__ for cell in CELLS.values()}) == len(CELLS)


def test_a_regulariser_ramps_up_or_climbs_stairs():
    ramp = Ramp(10.0, start=0.4, end=0.7)
    assert [ramp.at(t) for t in (0.0, 0.4, 0.55, 0.7, 1.0)] == pytest.approx([0, 0, 5, 10, 10])
    assert [Ramp(3.0, start=0.5, end=0.5).at(t) for t in (0.4, 0.5, 0.6)] == [0, 3, 3]
    stairs = Stairs(1e-9, 1e-7)
    wanted = [1e-9, 1e-9, 1e-8, 1e-8, 1e-7, 1e-7]
    assert [stairs.at(t) for t in (0.0, 0.19, 0.2, 0.39, 0.4, 1.0)] == pytest.approx(wanted)


def test_a_regulariser_points_to_the_nearest_corner(kind):
    if not any(kind.cell.recipe.pull.at(t) for t in (0.0, 0.5, 1.0)):
        pytest.skip("its paper has none")
    cell = kind(restarts=2)
    before = cell.penalty().detach()
    grads = torch.autograd.grad(cell.penalty().sum(), list(cell.parameters()), allow_unused=True)
    with torch.no_grad():
        for p, g in zip(cell.parameters(), grads, strict=True):
            p -= 1e-3 * (0.0 if g is None else g.sign())
    assert torch.all(cell.penalty() < before)


def test_a_path_a_cell_does_not_have_is_refused():
    with pytest.raises(ValueError, match="no path"):
        Kind(CELLS[CellName.NAC], Path.PRODUCT, True)()


def test_shapes(kind):
    cell = kind()
    layer, unanimity = cell.freeze(rows())
    assert cell(rows()).shape == (4, 16, 2)
    assert cell.penalty().shape == (4,)
    assert layer.weights.shape == (4, 3, 2)
    assert layer.kind.shape == layer.constant.shape == unanimity.shape == (4, 2)


def test_dtype_is_kept(kind):
    assert kind()(rows()).dtype is torch.float32
    assert kind().double()(rows().double()).dtype is torch.float64


@pytest.mark.parametrize("value", [0.0, -1.0, 1e-30, -1e-20, 1e6, -1e6])
def test_gradients_are_finite(kind, value):
    cell, x = kind(), torch.full((4, 5, 3), value, requires_grad=True)
    (cell(x).clamp(-1e6, 1e6).sum() + cell.penalty().sum()).backward()
    assert x.grad is not None
    for tensor in (x, *cell.parameters()):
        assert torch.isfinite(tensor.grad).all()


def test_gradients_are_those_of_the_values(kind):
    cell = kind(restarts=2).double()
    x = rows(n=4, restarts=2).double()
    x = (x + 0.3 * x.sign()).requires_grad_()  # away from zero, where logarithms have no slope
    names = [name for name, _ in cell.named_parameters()]

    def compute(x, *parameters):
        return functional_call(cell, dict(zip(names, parameters, strict=True)), (x,))

    assert torch.autograd.gradcheck(compute, (x, *cell.parameters()))


def test_restarts_do_not_depend_on_their_neighbours(kind):
    alone, together = kind(restarts=1), kind(restarts=4)
    for a, b in zip(alone.parameters(), together.parameters(), strict=True):
        assert torch.equal(a[0], b[0])
    torch.testing.assert_close(alone(rows()[:1])[0], together(rows())[0])


def test_a_restart_without_a_number_leaves_the_others_alone(kind):
    cell, x = kind(), rows()
    good = cell(x)[1:]
    x[0] = torch.nan
    value = cell(x)
    assert torch.equal(value[1:], good)
    value.sum().backward()
    assert all(torch.isfinite(p.grad[1:]).all() for p in cell.parameters())


def test_the_order_of_rows_does_not_matter(kind):
    cell, x = kind(), rows()
    torch.testing.assert_close(cell(x.flip(1)), cell(x).flip(1))


def test_same_seed_same_start(kind):
    for a, b in zip(kind(seed=3).parameters(), kind(seed=3).parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(next(kind(seed=3).parameters()), next(kind(seed=4).parameters()))


def test_a_layer_after_units_starts_within_its_bounds(kind):
    cell = kind(inputs=5, units=2)
    before = [p.clone() for p in cell.parameters()]
    cell.project()
    assert all(torch.equal(a, b) for a, b in zip(before, cell.parameters(), strict=True))


def test_bounds_are_restored(kind):
    cell = kind()
    with torch.no_grad():
        for p in cell.parameters():
            p.add_(100.0)
    cell.project()
    assert torch.isfinite(cell(rows())).all()


MOST_LOGS = 12.0


def corners(kind, sums, inputs=2):
    """Every choice of allowed weights for one unit: arrays of shape (I, 1)."""
    allowed = sorted(map(float, kind.cell.sum_weights if sums else kind.cell.exponents))
    for choice in itertools.product(allowed, repeat=inputs):
        yield np.array(choice)[:, None]


@pytest.mark.parametrize("training", [True, False])
def test_every_corner_computes_what_the_frozen_circuit_computes(kind, training):
    x = rows(inputs=2, restarts=2, low=0.0) + 0.3  # nearer to zero the cells hold powers back
    if kind.cell.name is not CellName.NALU:
        x[:, ::2, 0] *= -1.0
        x[:, ::3, 1] *= -1.0
    for sums in sides(kind):
        for weights in corners(kind, sums):
            cell = kind(inputs=2, outputs=1, restarts=2).train(training)
            put_weights(cell, weights, sums=sums)
            layer, unanimity = cell.freeze(x)
            assert np.all(unanimity == 1.0)
            np.testing.assert_allclose(layer.weights, [weights, weights], atol=1e-6)
            value = cell(x).detach().double().numpy()
            np.testing.assert_allclose(value, frozen(layer, x), rtol=1e-4, atol=1e-4)
            snapped = circuit(layer).evaluate(x[0].double().numpy())
            defined = np.isfinite(snapped)  # roots of negative numbers are not
            np.testing.assert_allclose(value[0, defined, 0], snapped[defined], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("size", [1e-5, 1e5])
def test_corners_hold_for_small_and_large_inputs(kind, size):
    x = size * (rows(inputs=2, restarts=2, low=0.0) + 1.0)
    for sums in sides(kind):
        for weights in corners(kind, sums):
            cell = kind(inputs=2, outputs=1, restarts=2)
            put_weights(cell, weights, sums=sums)
            wanted = frozen(cell.freeze(x)[0], x)
            held = np.abs(np.log(np.abs(wanted) + 1e-300)) < MOST_LOGS  # beyond, cells hold back
            value = cell(x).detach().double().numpy()
            small = 0.1 * size if sums else 0.0  # sums that cancel keep no relative precision
            close = np.abs(value - wanted) <= 0.04 * np.abs(wanted) + 1e-3 * small
            assert np.all(close | ~held)


def circuit(layer):
    """The first unit of the first restart, snapped."""
    kind = KIND_NAMES[int(layer.kind[0, 0])]
    exact = [Fraction(round(2 * w), 2) for w in layer.weights[0, :, 0]]
    terms = tuple(Term(i, w) for i, w in enumerate(exact) if w)
    return Circuit(len(exact), ((Unit(kind, terms, float(layer.constant[0, 0])),),))


def test_restarts_at_different_corners_keep_to_themselves(kind):
    sums = sides(kind)[0]
    first, second = list(corners(kind, sums))[1:3]
    x = rows(inputs=2, restarts=2, low=0.5)
    alone = [kind(inputs=2, outputs=1, restarts=2) for _ in range(2)]
    for cell, weights in zip(alone, (first, second), strict=True):
        put_weights(cell, weights, sums=sums)
    mixed = kind(inputs=2, outputs=1, restarts=2)
    with torch.no_grad():
        for p, a, b in zip(mixed.parameters(), *(c.parameters() for c in alone), strict=True):
            p[0], p[1] = a[0], b[1]
    together = mixed(x)
    torch.testing.assert_close(together[0], alone[0](x)[0])
    torch.testing.assert_close(together[1], alone[1](x)[1])


def frozen(layer, x):
    """Each unit of each restart through the evaluation the later stages use."""
    values = np.empty((len(x), x.shape[1], layer.kind.shape[1]))
    for r in range(len(x)):
        for o in range(layer.kind.shape[1]):
            unit = RelaxedLayer(
                layer.kind[r : r + 1, o : o + 1],
                layer.weights[r : r + 1, :, o : o + 1],
                layer.constant[r : r + 1, o : o + 1],
            )
            relaxed = Relaxed((unit,), np.zeros(1))
            values[r, :, o] = evaluate_relaxed(relaxed, x[r].double().numpy())[0]
    return values


CORNERS = {
    Operation.ADD: ((1, 1), True, lambda a, b: a + b),
    Operation.SUBTRACT: ((1, -1), True, lambda a, b: a - b),
    Operation.MULTIPLY: ((1, 1), False, lambda a, b: a * b),
    Operation.DIVIDE: ((1, -1), False, lambda a, b: a / b),
    Operation.SQUARE: ((2, 0), False, lambda a, b: a * a),
    Operation.ROOT: ((0.5, 0), False, lambda a, b: a**0.5),
}


def test_each_claimed_operation_is_a_corner(kind):
    x = rows(inputs=2, low=0.5)
    for operation in kind.cell.operations:
        weights, sums, truth = CORNERS[operation]
        if sums not in sides(kind):
            continue
        allowed = kind.cell.sum_weights if sums else kind.cell.exponents
        assert set(weights) <= set(allowed)
        cell = kind(inputs=2, outputs=1)
        put_weights(cell, np.array(weights)[:, None], sums=sums)
        wanted = truth(x[..., 0], x[..., 1])
        torch.testing.assert_close(cell(x)[..., 0], wanted, rtol=1e-4, atol=1e-5)


SIZES = {CellName.NPU, CellName.REALNPU}
"""Cells whose regulariser asks for small parameters; that of all others asks for allowed ones."""


def test_a_penalty_is_zero_at_corners(kind):
    for sums in sides(kind):
        for weights in corners(kind, sums):
            cell = kind(inputs=2, outputs=1)
            put_weights(cell, weights, sums=sums)
            wanted = np.abs(weights).sum() + np.count_nonzero(weights)  # powers and open gates
            wanted = wanted if kind.cell.name in SIZES else 0.0
            np.testing.assert_allclose(cell.penalty().detach(), wanted, atol=1e-6)


def test_signs_follow_the_rule():
    x = torch.tensor([[[-2.0, 3.0], [-2.0, -3.0]]])
    for signed, wanted in ((True, [-6.0, 6.0]), (False, [6.0, 6.0])):
        cell = Kind(Gated, Path.PRODUCT, signed)(inputs=2, outputs=1, restarts=1)
        put_weights(cell, np.ones((2, 1)), sums=False)
        torch.testing.assert_close(cell(x).flatten(), torch.tensor(wanted))


def test_a_gate_that_reads_x_says_how_many_rows_agreed():
    cell = Kind(CELLS[CellName.NALU], Path.FREE, True)(inputs=1, outputs=1, restarts=1)
    with torch.no_grad():
        cell.G[:] = 1.0
    x = torch.tensor([-1.0, 1.0, 2.0, 3.0]).reshape(1, 4, 1)
    _, unanimity = cell.freeze(x)
    assert unanimity.item() == 0.75

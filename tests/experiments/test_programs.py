"""Programs: their answers are Python's, and a machine that knows arithmetic gives them."""

from __future__ import annotations

import ast
import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nalu_cli.experiments.papers.program_text import Part, Program, drawn, drawn_program
from nalu_cli.experiments.papers.programs import LANGUAGES
from nalu_cli.experiments.papers.register_machine import Machine, Machines, learned_machine

NUMBERS = st.integers(0, 10**15)

KEEP = ((1, 0, 0), (0, 10, 0), (0, 0, 1), (0, 0, 0), (0, 0, 0), (0, 1, 0))
NOTHING = (0, 0, 0)
BY_HAND = Machine(
    {
        "0": KEEP,
        "+": ((1, 0, 0), NOTHING, NOTHING, (1, 0, 0), (0, 0, 1), NOTHING),
        "-": ((1, 0, 0), NOTHING, NOTHING, (1, 0, 0), (0, 0, -1), NOTHING),
        "*": ((1, 0, 0), NOTHING, NOTHING, (0, 0, 1), NOTHING, NOTHING),
    },
    (1, 0, 0, 1, 0, 0),
)
"""What a person would write."""


@st.composite
def programs(draw: st.DrawFn) -> Program:
    operators = draw(st.text("+-*", max_size=6))
    size = len(operators) + 1
    return Program(tuple(draw(st.lists(NUMBERS, min_size=size, max_size=size))), operators)


def value(node: ast.expr) -> int:
    if isinstance(node, ast.Constant):
        assert isinstance(node.value, int)
        return node.value
    assert isinstance(node, ast.BinOp)
    known = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}
    return int(known[type(node.op)](value(node.left), value(node.right)))


@given(programs())
def test_an_answer_is_what_python_makes_of_the_text(program: Program) -> None:
    assert program.answer == value(ast.parse(program.text, mode="eval").body)


@given(programs())
def test_a_machine_made_by_hand_gives_every_answer(program: Program) -> None:
    assert BY_HAND.read(program.text) == program.answer


def test_machines_with_real_weights_compute_what_the_snapped_one_does() -> None:
    random = np.random.default_rng(0)
    asked = drawn((Part(3, 1, 20), Part(3, 3, 20)), "+-*", random)
    machines = Machines(asked, "+-*")
    kinds = [BY_HAND.updates[kind] for kind in "0+-*"]
    theta = np.concatenate([np.ravel(kinds), BY_HAND.answer]).astype(float)
    answers, _ = machines.forward(theta[None])
    assert list(answers[0]) == [program.answer for program in asked]
    assert machines.snapped(theta) == BY_HAND


def test_the_jacobian_is_the_slope_of_the_answers() -> None:
    random = np.random.default_rng(1)
    machines = Machines(drawn((Part(2, 1, 5), Part(2, 3, 10)), "+-", random), "+-")
    theta = random.uniform(-1, 1, (2, machines.size))
    answers, traces = machines.forward(theta)
    J = machines.jacobian(theta, traces, np.ones_like(answers))
    for p in range(machines.size):
        nudge = 1e-6 * (np.arange(machines.size) == p)
        up, down = (machines.forward(theta + side * nudge)[0] for side in (1, -1))
        near = 1e-6 * (1 + np.abs(J).max())
        np.testing.assert_allclose((up - down) / 2e-6, J[:, :, p], rtol=1e-4, atol=near)


@pytest.mark.slow
@pytest.mark.parametrize("task", LANGUAGES)
def test_a_learned_machine_counts_on(task: str) -> None:
    language, random = LANGUAGES[task], np.random.default_rng(5)
    machine = learned_machine(language.lessons, language.operators, random, lambda _: None)
    assert machine is not None
    for _ in range(50):
        program = drawn_program(18, language.numbers, language.operators, random)
        assert machine.read(program.text) == program.answer

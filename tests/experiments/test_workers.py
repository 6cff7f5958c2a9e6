from __future__ import annotations

import multiprocessing
from collections.abc import Iterator

import pytest
from problems import never, stand_in, trial

from nalu_cli.experiments.trial import Outcome, Trial, failed
from nalu_cli.experiments.workers import run_trials


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    yield
    assert multiprocessing.active_children() == []


def run(trials: list[Trial], jobs: int, patience: float = 60) -> dict[str, Outcome]:
    found = run_trials(trials, jobs, run=stand_in, failed=failed, patience=patience, stop=never)
    return {outcome.name: outcome for outcome in found}


def test_a_dying_process_is_one_failed_outcome() -> None:
    names = ["a", "dies", "b", "c"]
    found = run([trial(name, seed=k) for k, name in enumerate(names)], 2)
    assert set(found) == set(names)
    assert found["dies"].error == "the worker died with exit code 7"
    assert not found["dies"].recovered
    assert found["dies"].seed == 1
    assert all(found[name].recovered for name in "abc")
    # the pids stand in found_by: the others share what is left and one replacement
    assert len({found[name].found_by for name in "abc"}) <= 3


def test_a_hanging_trial_is_given_up() -> None:
    assert run([trial("hangs")], 3, patience=0.5)["hangs"].error == "the worker took too long"


def test_no_more_is_begun_when_asked_to_stop() -> None:
    done: list[Outcome] = []
    trials = [trial("a"), trial("hangs"), trial("b")]
    found = run_trials(trials, 1, run=stand_in, failed=failed, patience=60, stop=lambda: bool(done))
    for outcome in found:
        done.append(outcome)
    assert [outcome.name for outcome in done] == ["a"]


def test_nothing_to_do_starts_nothing() -> None:
    assert run([], 4) == {}

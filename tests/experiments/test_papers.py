"""Every experiment of the papers, in its quick form, shows what it is said to show."""

from __future__ import annotations

import json
import tomllib

import pytest
from conftest import Run

from nalu_cli.experiments.papers import EXPERIMENTS, experiment_named
from nalu_cli.experiments.papers.experiment import Origin, Scope
from nalu_cli.experiments.papers.page import page_of
from nalu_cli.experiments.papers.published import NUMBERS, read_published

ALL = ("identity", "static", "recurrent", "digits", "language", "gridworld", "programs")


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_claim_holds_in_a_quick_run(name: str, nalu: Run) -> None:
    done = nalu("reproduce", name, "--quick", "--json")
    claims = json.loads(done.stdout)["claims"]
    assert claims
    assert [claim["text"] for claim in claims if not claim["holds"]] == []


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_says_what_it_is(name: str) -> None:
    experiment = experiment_named(name)
    assert experiment.name == name
    assert experiment.title.endswith(".")
    assert Origin.OURS in experiment.models.values()
    assert experiment.tasks(Scope())
    assert set(experiment.tasks(Scope(quick=True))) <= set(experiment.tasks(Scope()))
    assert experiment.more_is_better <= set(experiment.measures)
    assert 1 <= experiment.quick_seeds <= experiment.seeds


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_published_numbers_stand_beside_something_that_is_measured(name: str) -> None:
    experiment = experiment_named(name)
    for task, model, measure in read_published(name).numbers:
        assert task in experiment.tasks(Scope())
        assert model in experiment.models
        assert measure in experiment.measures


def test_experiments_and_published_numbers_are_of_the_same_papers() -> None:
    data = tomllib.loads(NUMBERS.read_text(encoding="utf-8"))
    named = {entry["experiment"] for entry in (*data["row"], *data["note"])}
    assert set(EXPERIMENTS) | named <= set(ALL)
    assert list(EXPERIMENTS) == [name for name in ALL if name in EXPERIMENTS]


def test_the_page_in_the_package_is_what_its_results_say() -> None:
    folder = NUMBERS.parent
    page = (folder / "RESULTS.md").read_text(encoding="utf-8")
    command = page.partition("```\n")[2].partition("\n")[0]
    assert command == "nalu reproduce --page RESULTS.md --out results"
    assert page == page_of(command, folder / "results", folder)
    assert [path.name for path in folder.glob("results/*.csv")] != []
    for path in folder.glob("results/*.csv"):
        assert path.with_suffix(".png").is_file()

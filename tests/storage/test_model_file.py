from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from answers import LENS_CIRCUIT, lens, of, product
from conftest import ROOT
from hostile import content, sealed
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from saved_models import assert_same, refused
from strategies import named_circuits

from nalu_cli.answer import Answer, Constant, Errors, Evidence, FrontEntry, Move, Points
from nalu_cli.circuit import Circuit, Term, Unit, UnitKind, exponent_of
from nalu_cli.errors import OutputError
from nalu_cli.settings import CellName, Device, Effort, FitSettings, Status
from nalu_cli.storage.model_file import FORMAT, VERSION, load_model, save_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.pt"
    save_model(lens(), path)
    return path


def rewritten(path: Path, **changes: Any) -> Path:
    """Change a file as somebody would who knows how it is sealed."""
    torch.save(sealed(content(path) | changes), path)
    return path


def with_metadata(path: Path, change: Any) -> Path:
    metadata = json.loads(content(path)["metadata"])
    change(metadata)
    return rewritten(path, metadata=json.dumps(metadata))


def test_what_is_saved_is_read_back_bit_for_bit(model: Path) -> None:
    assert_same(load_model(model), lens())


finite = st.floats(allow_nan=False, allow_infinity=False)
perhaps = st.one_of(st.none(), finite)
counts = st.integers(0, 2**62)


def texts() -> st.SearchStrategy[str]:
    return st.text(max_size=10)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """An answer with anything in every field."""
    circuit, names, target = draw(named_circuits())
    rows = draw(arrays(np.float64, (draw(st.integers(0, 4)), len(names)), elements=finite))
    box = st.tuples(*[finite] * len(names))
    errors = st.builds(Errors, counts, perhaps, perhaps, perhaps)
    moves = st.builds(Move, counts, counts, texts(), finite, finite, st.floats(allow_nan=False))
    return Answer(
        names=names,
        target=target,
        circuit=circuit,
        status=draw(st.sampled_from(Status)),
        complexity=draw(counts),
        errors=draw(st.dictionaries(texts(), errors, max_size=3)),
        noise=draw(perhaps),
        constants=tuple(draw(st.lists(CONSTANTS, max_size=3))),
        front=tuple(
            draw(st.lists(st.builds(FrontEntry, st.just(circuit), counts, perhaps), max_size=2))
        ),
        evidence=Evidence(draw(texts()), draw(counts), tuple(draw(st.lists(moves, max_size=3)))),
        low=draw(box),
        high=draw(box),
        median=draw(box),
        probe_X=rows,
        probe_y=circuit.evaluate(rows),
        points=draw(some_points(len(names))),
        caveats=tuple(draw(st.lists(texts(), max_size=2))),
        settings=draw(SETTINGS),
        interrupted=draw(st.booleans()),
        seconds=draw(finite),
        command=tuple(draw(st.lists(texts(), max_size=3))),
        versions=draw(st.dictionaries(texts(), texts(), max_size=3)),
    )


@st.composite
def some_points(draw: st.DrawFn, n_columns: int) -> Points:
    columns = tuple(draw(st.lists(st.integers(0, n_columns - 1), unique=True)))
    n = draw(st.integers(0, 4))
    anything = st.floats()
    return Points(
        columns,
        draw(arrays(np.float64, (n, len(columns)), elements=finite)),
        draw(arrays(np.float64, n, elements=finite)),
        draw(arrays(np.float64, n, elements=anything)),
        draw(arrays(np.float64, n, elements=st.floats(min_value=0))),
        draw(arrays(np.intp, n, elements=st.integers(0, 2))),
    )


CONSTANTS = st.builds(Constant, finite, st.one_of(st.none(), texts()), perhaps, perhaps)
SETTINGS = st.builds(
    FitSettings,
    effort=st.sampled_from(Effort),
    time_limit=st.one_of(st.none(), st.floats(1e-9, 1e7)),
    cell=st.sampled_from(CellName),
    layers=st.one_of(st.none(), st.integers(1, 5)),
    train_only=st.booleans(),
    noise=st.one_of(st.none(), st.floats(0, 10)),
    far_share=st.floats(0, 0.5),
    seed=st.integers(0, 2**63 - 1),
    device=st.sampled_from(Device),
    threads=st.integers(1, 256),
)


@given(answers())
def test_any_answer_survives(tmp_path_factory: pytest.TempPathFactory, answer: Answer) -> None:
    path = tmp_path_factory.mktemp("model") / "model.pt"
    save_model(answer, path)
    assert_same(load_model(path), answer)
    assert load_model(path).seconds == answer.seconds


def test_equal_answers_give_equal_files(model: Path, tmp_path: Path) -> None:
    save_model(lens(), tmp_path / "again.pt")
    assert model.read_bytes() == (tmp_path / "again.pt").read_bytes()


def test_torch_reads_it_safely_and_finds_plain_data(model: Path) -> None:
    read = content(model)
    assert (read["format"], read["version"]) == (FORMAT, VERSION)
    assert json.loads(read["metadata"])["formula"] == "d1*d2/(d1*n + d2)"
    assert {k: v.dtype for k, v in read["tensors"].items()} == dict.fromkeys(
        ("probe_X", "probe_y", "moves", "points"), torch.float64
    )


def test_reading_needs_no_torch(model: Path) -> None:
    code = f"""
import sys, nalu_cli
answer = nalu_cli.load_model({str(model)!r})
assert answer.target == "f"
assert not {{"torch", "pandas", "sympy"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_missing_empty_and_huge_files_and_folders_are_named(tmp_path: Path) -> None:
    assert "no file" in refused(tmp_path / "none.pt")
    assert "is a folder" in refused(tmp_path)
    assert "cannot be read" in refused(tmp_path / "nul\0byte")
    (tmp_path / "empty.pt").touch()
    assert "is empty" in refused(tmp_path / "empty.pt")
    with (tmp_path / "huge.pt").open("wb") as file:
        file.truncate(2**30)
    assert "larger than 64 MB" in refused(tmp_path / "huge.pt")


def test_an_older_format_is_named(model: Path) -> None:
    assert refused(rewritten(model, version=1)) == (
        f"{model} is nalu model format 1; this nalu reads 2 and {VERSION}. "
        "Make a new one with nalu fit."
    )


def test_the_format_before_real_exponents_is_read(model: Path) -> None:
    assert_same(load_model(rewritten(model, version=2)), lens())


def test_real_exponents_come_back_bit_for_bit(tmp_path: Path) -> None:
    terms = (Term(0, exponent_of(0.8)), Term(1, exponent_of(-0.7983417000000001)))
    answer = of(Circuit(2, ((Unit(UnitKind.PRODUCT, terms, 0.023),),)), ("Re", "Pr"))
    save_model(answer, tmp_path / "model.pt")
    assert_same(load_model(tmp_path / "model.pt"), answer)


def test_a_newer_format_says_what_to_install(model: Path) -> None:
    message = refused(rewritten(model, version=4, extra="x"))
    assert message == (
        f"{model} is nalu model format 4; this nalu reads 2 and {VERSION}. "
        "Install a newer nalu to open it."
    )


def test_a_malicious_file_is_refused_and_nothing_is_run(tmp_path: Path) -> None:
    class Malicious:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    path = tmp_path / "model.pt"
    torch.save({"format": FORMAT, "version": 1, "metadata": Malicious(), "tensors": {}}, path)
    assert "unsafe" in refused(path)
    assert not (tmp_path / "ran").exists()


def test_an_expanded_tensor_is_refused(model: Path) -> None:
    tensors = content(model)["tensors"]
    huge = torch.zeros(1, dtype=torch.float64).expand(10**10)
    assert "tensor" in refused(rewritten(model, tensors=tensors | {"probe_y": huge}))


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 0},
        {"version": "1"},
        {"version": -1},
        {"metadata": 1},
        {"metadata": "not json"},
        {"metadata": "[" * 100_000},
        {"metadata": '{"answer": NaN}'},
        {"metadata": "{}"},
        {"tensors": {}},
        {"tensors": "none"},
        {"more": 1},
    ],
    ids=str,
)
def test_a_content_that_is_not_ours_is_refused(changes: dict[str, Any], model: Path) -> None:
    refused(rewritten(model, **changes))


def set_in(*keys: Any, to: Any) -> Any:
    def change(metadata: Any) -> None:
        for key in keys[:-1]:
            metadata = metadata[key]
        metadata[keys[-1]] = to

    return change


@pytest.mark.parametrize(
    "change",
    [
        set_in("answer", "names", to=["d1", "d2"]),
        set_in("answer", "names", to=["d1", "d1", "n"]),
        set_in("answer", "names", to=[1, 2, 3]),
        set_in("answer", "low", to=[1.0]),
        set_in("answer", "high", to=[1.0, 2.0, None]),
        set_in("answer", "status", to="perfect"),
        set_in("answer", "settings", "seed", to=-1),
        set_in("answer", "settings", "effort", to="huge"),
        set_in("answer", "settings", "layers", to=10**400),
        set_in("answer", "circuit", "layers", 0, 0, "terms", 0, "weight", to="5/3"),
        set_in("answer", "circuit", "layers", 0, 0, "terms", 0, "weight", to="2"),
        set_in("answer", "circuit", "layers", 0, 0, "constant", to=3.5),
        set_in("answer", "circuit", "layers", to=[]),
        set_in("answer", "front", 0, "circuit", "n_columns", to=4),
        set_in("answer", "extra", to=1),
        set_in("places", to=[]),
        set_in("point_columns", to=[0]),
        set_in("point_columns", to=[0, 1, 3]),
        set_in("versions", to={"nalu": 1}),
        set_in("places", 0, "layer", to="0"),
        set_in("extra", to=1),
        lambda metadata: metadata["answer"].pop("target"),
    ],
)
def test_metadata_that_does_not_fit_is_refused(change: Any, model: Path) -> None:
    assert "damaged or was not written by nalu" in refused(with_metadata(model, change))


@pytest.mark.parametrize(
    "tensors",
    [
        {"probe_X": torch.zeros(3, 2).double()},
        {"probe_X": torch.full((3, 3), float("nan")).double()},
        {"probe_y": torch.zeros(3).double()},
        {"probe_y": torch.zeros(2, 1).double()},
        {"moves": torch.zeros(2, 3).double()},
        {"moves": torch.full((3, 3), float("inf")).double()},
        {"probe_y": "text"},
        {"points": "text"},
        {"points": torch.zeros(7).double()},
        {"points": torch.zeros(3, 6).double()},
        {"points": torch.full((3, 7), 0.5).double()},
        {"points": torch.full((3, 7), -1.0).double()},
        {"points": torch.full((3, 7), float("nan")).double()},
    ],
)
def test_tensors_that_do_not_fit_are_refused(tensors: dict[str, Any], model: Path) -> None:
    refused(rewritten(model, tensors=content(model)["tensors"] | tensors))


def test_values_that_are_undefined_may_be_stored(tmp_path: Path) -> None:
    circuit = Circuit(1, ((product((0, -0.5)),),))
    rows = np.array([[4.0], [0.0], [-1.0]])
    answer = of(circuit, ("x",), probe_X=rows, probe_y=circuit.evaluate(rows))
    save_model(answer, tmp_path / "model.pt")
    np.testing.assert_array_equal(load_model(tmp_path / "model.pt").probe_y, answer.probe_y)


def test_the_last_bits_of_another_machine_are_forgiven(tmp_path: Path) -> None:
    y = LENS_CIRCUIT.evaluate(lens().probe_X)
    save_model(replace(lens(), probe_y=y * (1 + 1e-14)), tmp_path / "model.pt")
    load_model(tmp_path / "model.pt")


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no folder"):
        save_model(lens(), tmp_path / "none" / "model.pt")
    with pytest.raises(OutputError, match="is a folder"):
        save_model(lens(), tmp_path)
    with pytest.raises(OutputError, match="no space left"):
        save_model(lens(), "/dev/full")


def test_saving_over_an_old_model_replaces_it(model: Path) -> None:
    save_model(lens(target="other"), model)
    assert load_model(model).target == "other"
    assert [path.name for path in model.parent.iterdir()] == ["model.pt"]

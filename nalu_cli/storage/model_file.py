"""An answer saved as `model.pt`, and read back with every entry checked."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nalu_cli import __version__
from nalu_cli.answer import Answer, Move, Points
from nalu_cli.errors import ModelFileError, UsageError
from nalu_cli.expression.canonical import check_length
from nalu_cli.expression.text import formula_text
from nalu_cli.storage.archive import RefusedError, read_archive, write_archive
from nalu_cli.storage.plain import from_plain, to_plain
from nalu_cli.storage.whole_file import WholeFile

__all__ = ["FORMAT", "VERSION", "installed_versions", "load_model", "save_model"]

Floats = NDArray[np.float64]

FORMAT = "nalu-model"
VERSION = 3
READABLE = (2, 3)
"""Layouts that can be read: in the second one exponents are whole or halves."""

MOST_BYTES = 64 * 2**20

KEYS = {
    "format": f"`{FORMAT}`",
    "version": f"of this layout, {VERSION}; files of layout 2 can be read",
    "metadata": "JSON text, with the entries `metadata.…`",
    "tensors": "float64, with the entries `tensors.…`",
    "digest": "SHA-256 of the metadata and the tensors: a file that was edited is refused",
}
METADATA = {
    "versions": "of nalu, Python, torch and numpy when it was saved",
    "formula": "as printed, for people; never read back",
    "answer": "columns, circuit, verdict, errors, constants, front, rivals, box, settings, seed",
    "places": "layer, unit and input of each move of the snap",
    "point_columns": "which columns `tensors.points` holds",
}
TENSORS = {
    "probe_X": "some rows of the table",
    "probe_y": "the values the circuit must give on them",
    "moves": "trained value, snapped value and cost of each move of the snap",
    "points": "rows for pictures: set, measured, predicted, distance from the box, columns",
}
POINT_NUMBERS = 4
"""Numbers of a point before those of its columns."""

ELSEWHERE = ("probe_X", "probe_y", "points", "versions")
"""Parts of an answer that are not in `metadata.answer`."""

TOLERANCE = 1e-9
"""Relative disagreement allowed on the probe rows: another machine rounds powers its own way."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a move of the snap table belongs; its three numbers are in a tensor."""

    layer: int
    unit: int
    source: str


def save_model(answer: Answer, path: str | Path) -> None:
    """Write an answer to a file that `torch.load(path, weights_only=True)` can read too.

    Parameters
    ----------
    answer : Answer
    path : str or Path
        Replaced when it exists; complete or untouched whatever happens.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    content = _packed(answer)
    with WholeFile(Path(path)) as file:
        file.write(content)


def load_model(path: str | Path) -> Answer:
    """Read an answer; torch is not needed and nothing in the file is executed.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Answer
        What was saved, bit for bit.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, unsafe, too new, or does not compute what it says.
    MemoryError
        If there is too little of it; that says nothing about the file.
    """
    content = _content(Path(path))
    try:
        tensors, metadata = _opened(content)
        answer = _restored(tensors, metadata)
        _check(answer)
    except RefusedError as error:
        raise ModelFileError(f"{path} {error}", remedy=error.remedy or _REMEDY) from None
    except (ValueError, UsageError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ModelFileError(
            f"{path} is damaged or was not written by nalu: {reason.rstrip('.')}", remedy=_REMEDY
        ) from None
    return answer


_REMEDY = "Make a new one with nalu fit."


def installed_versions() -> dict[str, str]:
    """The versions that can change a result: of nalu, Python, torch and numpy."""
    versions = {"nalu": __version__, "python": platform.python_version()}
    for name in ("torch", "numpy"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "none"
    return versions


def _packed(answer: Answer) -> bytes:
    metadata = json.dumps(_metadata(answer), allow_nan=False)
    tensors = _tensors(answer)
    return write_archive(
        {
            "format": FORMAT,
            "version": VERSION,
            "metadata": metadata,
            "tensors": tensors,
            "digest": _digest(metadata, tensors),
        }
    )


def _tensors(answer: Answer) -> dict[str, Floats]:
    moves = [(move.trained, move.snapped, move.cost) for move in answer.evidence.moves]
    return {
        "probe_X": answer.probe_X,
        "probe_y": answer.probe_y,
        "moves": np.array(moves, dtype=np.float64).reshape(len(moves), 3),
        "points": _points_array(answer.points),
    }


def _points_array(points: Points) -> Floats:
    numbers = (points.part, points.measured, points.predicted, points.distance)
    return np.column_stack([*numbers, points.X])


def _digest(metadata: str, tensors: Mapping[str, Floats]) -> str:
    found = sha256(metadata.encode("utf-8", "surrogatepass"))
    for name in TENSORS:
        found.update(f"\n{name} {tensors[name].shape}\n".encode())
        found.update(tensors[name].astype("<f8").tobytes())
    return found.hexdigest()


def _metadata(answer: Answer) -> dict[str, Any]:
    bare = replace(answer, evidence=replace(answer.evidence, moves=()))
    return {
        "versions": answer.versions,
        "formula": formula_text(answer.circuit, answer.names),
        "answer": to_plain(bare, without=ELSEWHERE),
        "places": [
            to_plain(_Place(move.layer, move.unit, move.source)) for move in answer.evidence.moves
        ],
        "point_columns": list(answer.points.columns),
    }


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise ModelFileError(f"there is no file {path}", remedy=_REMEDY) from None
    except IsADirectoryError:
        raise ModelFileError(
            f"{path} is a folder", remedy="Name the model file that nalu fit wrote."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name cannot be used"
        raise ModelFileError(f"{path} cannot be read: {reason.lower()}") from None
    if not content:
        raise ModelFileError(f"{path} is empty", remedy=_REMEDY)
    if len(content) > MOST_BYTES:
        raise ModelFileError(
            f"{path} is larger than {MOST_BYTES // 2**20} MB, which no nalu model is",
            remedy=_REMEDY,
        )
    return content


def _opened(content: bytes) -> tuple[dict[str, Floats], dict[str, Any]]:
    """Tensors and metadata, once format and version are known to be ours."""
    whole = read_archive(content)
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise RefusedError("is no nalu model: it was saved by another program")
    found = whole.get("version")
    if type(found) is not int or found < 1:
        raise RefusedError("is no nalu model: it has no version")
    if found not in READABLE:
        raise RefusedError(
            f"is nalu model format {found}; this nalu reads {' and '.join(map(str, READABLE))}",
            remedy="Install a newer nalu to open it." if found > VERSION else "",
        )
    _check_keys("the model", whole, KEYS)
    _check_keys("its tensors", whole["tensors"], TENSORS)
    if not isinstance(whole["metadata"], str):
        raise ValueError("its metadata is no text")
    if not all(isinstance(values, np.ndarray) for values in whole["tensors"].values()):
        raise ValueError("a tensor is none")
    if whole["digest"] != _digest(whole["metadata"], whole["tensors"]):
        raise ValueError("its digest does not fit what it holds")
    metadata = json.loads(whole["metadata"], parse_constant=_no_constant)
    _check_keys("its metadata", metadata, METADATA)
    return whole["tensors"], metadata


def _check_keys(what: str, data: Any, keys: dict[str, str]) -> None:
    if not isinstance(data, dict) or data.keys() != keys.keys():
        raise ValueError(f"{what} has not the entries it should have")


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _restored(tensors: dict[str, Floats], metadata: dict[str, Any]) -> Answer:
    columns = from_plain(tuple[int, ...], metadata["point_columns"], "the columns of the points")
    given = {
        "probe_X": tensors["probe_X"],
        "probe_y": tensors["probe_y"],
        "points": _points(columns, tensors["points"]),
        "versions": from_plain(dict[str, str], metadata["versions"], "the versions"),
    }
    bare: Answer = from_plain(Answer, metadata["answer"], "the answer", given=given)
    places: tuple[_Place, ...] = from_plain(tuple[_Place, ...], metadata["places"], "the moves")
    numbers = tensors["moves"]
    if numbers.shape != (len(places), 3) or not np.isfinite(numbers[:, :2]).all():
        raise ValueError("the numbers of the snap table do not fit it")
    moves = tuple(
        Move(place.layer, place.unit, place.source, *row)
        for place, row in zip(places, numbers.tolist(), strict=True)
    )
    return replace(bare, evidence=replace(bare.evidence, moves=moves))


def _points(columns: tuple[int, ...], numbers: Floats) -> Points:
    if numbers.ndim != 2 or numbers.shape[1] != POINT_NUMBERS + len(columns):
        raise ValueError("the points do not fit their columns")
    part, measured, predicted, distance = numbers[:, :POINT_NUMBERS].T
    X = numbers[:, POINT_NUMBERS:]
    if not np.isfinite(X).all() or not np.isfinite(measured).all() or not (distance >= 0).all():
        raise ValueError("a point is none")
    if not np.isin(part, (0.0, 1.0, 2.0)).all():
        raise ValueError("a point belongs to no set of rows")
    return Points(columns, X, measured, predicted, distance, part.astype(np.intp))


def _check(answer: Answer) -> None:
    """Refuse an answer whose parts do not belong together."""
    width = len(answer.names)
    circuits = [
        answer.circuit,
        *(entry.circuit for entry in answer.front),
        *(rival.circuit for rival in answer.rivals),
    ]
    if any(circuit.n_columns != width for circuit in circuits):
        raise ValueError("a circuit does not fit the columns")
    for circuit in circuits:
        check_length(circuit)
    if {len(answer.low), len(answer.high), len(answer.median)} != {width}:
        raise ValueError("the training box does not fit the columns")
    if len(set(answer.names)) != width:
        raise ValueError("a column comes twice")
    if not set(answer.points.columns) <= set(range(width)):
        raise ValueError("the points do not fit the columns")
    for rival in answer.rivals:
        if not set(rival.columns) <= set(range(width)) or len(rival.point) != len(rival.columns):
            raise ValueError("the point of a rival does not fit the columns")
    X, y = answer.probe_X, answer.probe_y
    if y.ndim != 1 or X.shape != (len(y), width) or not np.isfinite(X).all():
        raise ValueError("the probe rows do not fit the columns")
    largest = np.max(np.abs(y), initial=0.0, where=np.isfinite(y))
    value = answer.circuit.evaluate(X)
    if not np.allclose(value, y, rtol=TOLERANCE, atol=TOLERANCE * largest, equal_nan=True):
        raise ValueError("the formula does not compute the values stored with it")

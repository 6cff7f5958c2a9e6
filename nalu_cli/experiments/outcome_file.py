"""A CSV file of outcomes that grows row by row, so that a run can be continued."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nalu_cli.errors import OutputError, UsageError, quoted
from nalu_cli.experiments.trial import Outcome
from nalu_cli.settings import Status

__all__ = ["Key", "OutcomeFile", "key_of", "read_outcomes"]

Key = tuple[str, int]
"""Name and seed of a trial."""

NUMBERS = ("far_error", "seconds", "process_seconds", "test_error", "steps", "sparsity")
TEXTS = ("found_by", "formula", "error")


def key_of(outcome: Outcome) -> Key:
    """What tells an outcome from the others of its run."""
    return outcome.name, outcome.seed


class OutcomeFile:
    """Outcomes on disk.

    Parameters
    ----------
    path : Path
        Continued if it exists.
    titles : sequence of str
        Of the two labels.
    settings : str
        How the run was asked for; all rows of a file agree in it.

    Attributes
    ----------
    outcomes : dict of Key to Outcome
        Those in the file.

    Raises
    ------
    UsageError
        If the file is something else, or of a run with other settings.
    OutputError
        If it cannot be read or written.
    """

    def __init__(self, path: Path, titles: Sequence[str], settings: str) -> None:
        self.path = path
        self._settings = settings
        self._titles = tuple(titles)
        self._head = ["id", "seed", *titles, "recovered", "verdict", *NUMBERS, *TEXTS, "settings"]
        self.outcomes: dict[Key, Outcome] = {}
        try:
            self._continue()
        except OSError as error:
            raise self._failure(error) from error

    def append(self, outcome: Outcome) -> None:
        """Add a row, on disk before this returns."""
        try:
            self._write(self._row_of(outcome))
        except OSError as error:
            raise self._failure(error) from error
        self.outcomes[key_of(outcome)] = outcome

    def _continue(self) -> None:
        content = self.path.read_bytes() if self.path.is_file() else b""
        whole = content[: content.rfind(b"\n") + 1]
        rows = list(csv.reader(io.StringIO(whole.decode("utf-8", "replace"))))
        if rows:
            self._check_head(rows[0])
            self.outcomes = {key_of(o): o for o in self._outcomes_of(rows[1:])}
        elif content:
            raise self._no_results()
        if len(whole) < len(content):
            # a run that was killed may leave half a row
            os.truncate(self.path, len(whole))
        if not rows:
            self._write(self._head)

    def _check_head(self, head: list[str]) -> None:
        if head != self._head:
            raise self._no_results()

    def _outcomes_of(self, rows: Sequence[Sequence[str]]) -> Iterator[Outcome]:
        for row in rows:
            try:
                cells = dict(zip(self._head, row, strict=True))
                outcome = self._outcome_of(cells)
            except (ValueError, KeyError) as error:
                raise self._no_results() from error
            if cells["settings"] != self._settings:
                raise UsageError(
                    f"{self.path} was made with {quoted(cells['settings'])} and this run is "
                    f"{quoted(self._settings)}",
                    remedy="Name another file, or repeat the run as it was.",
                )
            yield outcome

    def _outcome_of(self, cells: Mapping[str, str]) -> Outcome:
        first, second = self._titles
        return Outcome(
            name=cells["id"],
            seed=int(cells["seed"]),
            labels=(cells[first], cells[second]),
            recovered={"yes": True, "no": False}[cells["recovered"]],
            verdict=Status(cells["verdict"]) if cells["verdict"] else None,
            far_error=_number(cells["far_error"]),
            seconds=_number(cells["seconds"]),
            process_seconds=_number(cells["process_seconds"]),
            test_error=_number(cells["test_error"]),
            steps=int(cells["steps"]) if cells["steps"] else None,
            sparsity=_number(cells["sparsity"]),
            found_by=cells["found_by"],
            formula=cells["formula"],
            error=cells["error"],
        )

    def _row_of(self, outcome: Outcome) -> list[str]:
        numbers = [getattr(outcome, name) for name in NUMBERS]
        return [
            outcome.name,
            str(outcome.seed),
            *outcome.labels,
            "yes" if outcome.recovered else "no",
            outcome.verdict or "",
            *("" if number is None else repr(number) for number in numbers),
            *(" ".join(getattr(outcome, name).split()) for name in TEXTS),
            self._settings,
        ]

    def _write(self, row: Sequence[str]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(row)
        with self.path.open("ab") as file:
            file.write(text.getvalue().encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())

    def _no_results(self) -> UsageError:
        return UsageError(
            f"{self.path} exists and holds no results of this command",
            remedy="Remove it or name another file.",
        )

    def _failure(self, error: OSError) -> OutputError:
        return OutputError(
            f"{self.path} cannot be written: {(error.strerror or 'it failed').lower()}"
        )


def read_outcomes(path: Path, titles: Sequence[str]) -> tuple[str, list[Outcome]]:
    """How a run was asked for, and its outcomes so far.

    Parameters
    ----------
    path : Path
    titles : sequence of str
        Of the two labels.

    Raises
    ------
    UsageError
        If there is no such file, or it holds something else.
    """
    try:
        with path.open(newline="", encoding="utf-8", errors="replace") as lines:
            first = next(csv.DictReader(lines), {})
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {(error.strerror or 'it failed').lower()}"
        ) from error
    settings = first.get("settings")
    if not settings:
        raise UsageError(f"{path} holds no results of nalu bench")
    return settings, list(OutcomeFile(path, titles, settings).outcomes.values())


def _number(text: str) -> float | None:
    return float(text) if text else None

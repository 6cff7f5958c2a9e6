"""A CSV file of outcomes that grows row by row, so that a run can be continued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nalu_cli.errors import UsageError
from nalu_cli.experiments.growing_file import GrowingFile, read_settings
from nalu_cli.experiments.trial import Outcome
from nalu_cli.settings import Status

__all__ = ["Key", "OutcomeFile", "key_of", "read_outcomes"]

Key = tuple[str, int]
"""Name and seed of a trial."""

NUMBERS = ("far_error", "seconds", "process_seconds", "test_error", "steps", "sparsity")
TEXTS = ("found_by", "formula", "error")

SHARP = "sharp"
"""A column of runs on printed tables only, so that results of other runs keep their form."""

YES_OR_NO = {"yes": True, "no": False}


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
    is_printed : bool
        Whether the run is on printed tables.

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

    def __init__(
        self, path: Path, titles: Sequence[str], settings: str, *, is_printed: bool = False
    ) -> None:
        self.path = path
        self._is_printed = is_printed
        self._titles = tuple(titles)
        head = ["id", "seed", *titles, "recovered", "verdict", *NUMBERS, *TEXTS]
        head += [SHARP] if is_printed else []
        self._file = GrowingFile(path, head, settings)
        self.outcomes: dict[Key, Outcome] = {}
        for cells in self._file.rows:
            try:
                outcome = self._outcome_of(cells)
            except (ValueError, KeyError) as error:
                raise self._file.foreign() from error
            self.outcomes[key_of(outcome)] = outcome

    def append(self, outcome: Outcome) -> None:
        """Add a row, on disk before this returns."""
        sharp = [_yes_or_no(outcome.sharp)] if self._is_printed else []
        self._file.append([_row_of(outcome) + sharp])
        self.outcomes[key_of(outcome)] = outcome

    def _outcome_of(self, cells: Mapping[str, str]) -> Outcome:
        first, second = self._titles
        return Outcome(
            name=cells["id"],
            seed=int(cells["seed"]),
            labels=(cells[first], cells[second]),
            recovered=YES_OR_NO[cells["recovered"]],
            sharp=YES_OR_NO[cells[SHARP]] if cells.get(SHARP) else None,
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
    settings = read_settings(path)
    if not settings:
        raise UsageError(f"{path} holds no results of nalu bench")
    return settings, list(OutcomeFile(path, titles, settings).outcomes.values())


def _row_of(outcome: Outcome) -> list[str]:
    numbers = [getattr(outcome, name) for name in NUMBERS]
    return [
        outcome.name,
        str(outcome.seed),
        *outcome.labels,
        _yes_or_no(outcome.recovered),
        outcome.verdict or "",
        *("" if number is None else repr(number) for number in numbers),
        *(getattr(outcome, name) for name in TEXTS),
    ]


def _yes_or_no(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _number(text: str) -> float | None:
    return float(text) if text else None

"""Which trials a run consists of: problems of a benchmark file, times seeds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from nalu_cli.errors import UsageError, quoted
from nalu_cli.experiments.benchmark_file import Suite
from nalu_cli.experiments.known_law import KnownLaw
from nalu_cli.experiments.operations import operation_law
from nalu_cli.experiments.trial import Conditions, Trial

__all__ = ["FORMULA_TITLES", "OPERATION_TITLES", "LawChoice", "formula_trials", "operation_trials"]

FORMULA_TITLES = ("set", "depth")
OPERATION_TITLES = ("operation", "range")
"""What the labels of an outcome are called."""

UNKNOWN = "-"

MOST_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LawChoice:
    """Which laws of a file; None takes all.

    Parameters
    ----------
    family : str or None
        The set they come from.
    depth : int or None
    names : collection of str or None
        Their ids.
    """

    family: str | None = None
    depth: int | None = None
    names: Collection[str] | None = None

    def of(self, laws: Sequence[KnownLaw]) -> list[KnownLaw]:
        """The laws chosen, in the order of the file.

        Raises
        ------
        UsageError
            If an id or a set does not exist, or nothing is left.
        """
        _check_known("--id", self.names or (), [law.name for law in laws])
        _check_known("--set", [self.family] if self.family else (), [law.family for law in laws])
        chosen = [law for law in laws if self._takes(law)]
        if not chosen:
            raise UsageError("no formula is left", remedy="Give fewer conditions.")
        return chosen

    def _takes(self, law: KnownLaw) -> bool:
        return (
            (self.family is None or law.family == self.family)
            and (self.depth is None or law.depth == self.depth)
            and (self.names is None or law.name in self.names)
        )


def formula_trials(
    laws: Sequence[KnownLaw], seeds: Sequence[int], conditions: Conditions
) -> list[Trial]:
    """A trial for each law and seed, its tables printed as the conditions say."""
    return [
        Trial(
            law=law.printed(conditions.digits),
            seed=seed,
            labels=_labels(law),
            conditions=conditions,
        )
        for law in laws
        for seed in seeds
    ]


def _labels(law: KnownLaw) -> tuple[str, str]:
    return law.family or UNKNOWN, UNKNOWN if law.depth is None else str(law.depth)


def operation_trials(
    suite: Suite,
    seeds: Sequence[int],
    conditions: Conditions,
    *,
    operations: Collection[str] | None = None,
    inputs: int | None = None,
) -> list[Trial]:
    """A trial for each range, operation and seed of a suite.

    Parameters
    ----------
    suite : Suite
    seeds : sequence of int
    conditions : Conditions
    operations : collection of str or None
        Those wanted; None takes all.
    inputs : int or None
        Number of columns in place of the suite's.

    Raises
    ------
    UsageError
        If the suite lacks an operation.
    DataError
        If the sums of a task do not fit into so few columns.
    """
    has = sorted({task.operation for case in suite.cases for task in case.tasks})
    _check_known("--ops", operations or (), has)
    return list(_operation_trials(suite, seeds, conditions, operations or has, inputs))


def _operation_trials(
    suite: Suite,
    seeds: Sequence[int],
    conditions: Conditions,
    operations: Collection[str],
    inputs: int | None,
) -> Iterator[Trial]:
    for case in suite.cases:
        for task in case.tasks:
            if task.operation not in operations:
                continue
            sized = task if inputs is None else replace(task, inputs=inputs)
            for seed in seeds:
                name = f"{suite.name}_{case.name}_{task.operation}_seed{seed}"
                yield Trial(
                    law=operation_law(sized, seed, name, suite.name),
                    seed=seed,
                    labels=(task.operation.value, case.name),
                    conditions=conditions,
                    task=sized,
                )


def _check_known(option: str, asked: Collection[str], known: Sequence[str]) -> None:
    for text in asked:
        if text not in known:
            names = list(dict.fromkeys(known))
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            raise UsageError(
                f"{option} {quoted(text)} is not in the file",
                accepted=f"it has {', '.join(names[:MOST_NAMED])}{more}",
            )

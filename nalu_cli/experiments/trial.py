"""What is tried, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nalu_cli.experiments.known_law import KnownLaw
from nalu_cli.experiments.operations import OperationTask
from nalu_cli.experiments.protocol import Protocol
from nalu_cli.settings import FitSettings, Status

__all__ = ["Conditions", "Outcome", "Trial", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What all trials of a run share.

    Parameters
    ----------
    rows : int or None
        Training rows; None takes what each problem says.
    noise : float
        Standard deviation of the error in the training target, over its root mean square.
    digits : int or None
        Significant digits that laws have their tables printed with; None leaves it to each law.
    fit : FitSettings
        Nothing about the problem may be in it but the limits of time and effort.
    whole_process : bool
        Whether to time a fresh `nalu fit` as well.
    protocol : Protocol
        How operation tasks are tried; the rest but the cell and the steps is for tables.
    steps : int or None
        Steps of the published protocol; None takes all.
    """

    rows: int | None = None
    noise: float = 0.0
    digits: int | None = None
    fit: FitSettings = field(default_factory=FitSettings)
    whole_process: bool = False
    protocol: Protocol = Protocol.CSV
    steps: int | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """The command-line options that ask for them, without those at their defaults."""
        defaults = FitSettings()
        asked: Mapping[str, object] = {
            "--protocol": None if self.protocol is Protocol.CSV else self.protocol,
            "--cell": None if self.fit.cell is defaults.cell else self.fit.cell,
            "--steps": self.steps,
            "--rows": self.rows,
            "--noise": f"{self.noise:.15g}" if self.noise else None,
            "--digits": self.digits,
            "--time": None if self.fit.time_limit is None else f"{self.fit.time_limit:.15g}",
            "--effort": None if self.fit.effort is defaults.effort else self.fit.effort,
        }
        texts = [
            text
            for name, value in asked.items()
            if value is not None
            for text in (name, str(value))
        ]
        flags = {"--train-only": self.fit.train_only, "--whole-process": self.whole_process}
        return (*texts, *(name for name, is_set in flags.items() if is_set))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A problem and a seed.

    Parameters
    ----------
    law : KnownLaw
        The answer.
    seed : int
        Of the rows; the fit keeps its own.
    labels : (str, str)
        The groups it is counted in.
    conditions : Conditions
    task : OperationTask or None
        Draws the rows, if the law itself does not.
    """

    law: KnownLaw
    seed: int
    labels: tuple[str, str]
    conditions: Conditions
    task: OperationTask | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a trial.

    Parameters
    ----------
    name : str
        The law's.
    seed : int
    labels : (str, str)
        The groups it is counted in.
    recovered : bool
        Whether the formula found is the true one, its constants within what the rows tell.
    sharp : bool or None
        Whether it is equal to the true one, each constant to the last digit; None of tables of full
        doubles, where this is what recovered means.
    verdict : Status or None
        What the fit claims; None when it failed.
    far_error : float or None
        Largest relative error on extrapolation rows without noise; None where undefined.
    seconds : float or None
        Of the fit.
    process_seconds : float or None
        Of a fresh process, start and end included.
    test_error : float or None
        Mean squared error on test rows, of a run by the published protocol.
    steps : int or None
        Of such a run, the first log at which it was solved; None if it was not.
    sparsity : float or None
        Of such a run, the largest distance of a weight to -1, 0 and 1.
    found_by : str
        The strategy, or the cell.
    formula : str
    error : str
        Why there is none.
    """

    name: str
    seed: int
    labels: tuple[str, str]
    recovered: bool = False
    sharp: bool | None = None
    verdict: Status | None = None
    far_error: float | None = None
    seconds: float | None = None
    process_seconds: float | None = None
    test_error: float | None = None
    steps: int | None = None
    sparsity: float | None = None
    found_by: str = ""
    formula: str = ""
    error: str = ""

    @property
    def is_published_run(self) -> bool:
        """Whether a cell was trained by the published protocol, which claims nothing."""
        return self.verdict is None and not self.error

    @property
    def is_falsely_exact(self) -> bool:
        """Whether a formula is called exact, or exact as printed, that is not the law."""
        return self.verdict is not None and self.verdict.is_exact and not self.recovered


def failed(trial: Trial, error: str) -> Outcome:
    """The outcome of a trial that ended without a formula."""
    return Outcome(
        name=trial.law.name, seed=trial.seed, labels=trial.labels, error=" ".join(error.split())
    )

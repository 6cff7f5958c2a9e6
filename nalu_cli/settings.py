"""Every knob of a fit, once: its default, its range and its meaning."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from nalu_cli.errors import UsageError

__all__ = ["CellName", "Device", "Effort", "ExportFormat", "FitSettings", "Status"]


class Effort(StrEnum):
    """How long a fit searches before it gives up."""

    QUICK = "quick"
    NORMAL = "normal"
    THOROUGH = "thorough"


class CellName(StrEnum):
    """Which cell is trained; `auto` is ours, the others are published."""

    AUTO = "auto"
    NALU = "nalu"
    NAC = "nac"
    NAC_PRODUCT = "nac-product"
    INALU = "inalu"
    INALU_SHARED = "inalu-shared"
    NAU = "nau"
    NMU = "nmu"
    NPU = "npu"
    REALNPU = "realnpu"
    NRU = "nru"
    NMRU = "nmru"


class Device(StrEnum):
    """Where the stacks are trained."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class ExportFormat(StrEnum):
    """What `explain --as` can write."""

    TEXT = "text"
    LATEX = "latex"
    MATHML = "mathml"
    PYTHON = "python"
    NUMPY = "numpy"
    C = "c"
    JAVASCRIPT = "javascript"
    SQL = "sql"
    EXCEL = "excel"
    JSON = "json"
    SYMPY = "sympy"


class Status(StrEnum):
    """What is claimed about a formula.

    `exact`: agrees to rounding on every row. `exact_as_printed`: agrees with every row to its last
    printed digit. `within_noise`: the residuals look like noise. `approximate`: close, but the
    residuals do not. `none`: no law of this class.
    """

    EXACT = "exact"
    EXACT_AS_PRINTED = "exact_as_printed"
    WITHIN_NOISE = "within_noise"
    APPROXIMATE = "approximate"
    NONE = "none"

    @property
    def is_exact(self) -> bool:
        """Whether every row is explained: as doubles, or to the digits printed."""
        return self in (Status.EXACT, Status.EXACT_AS_PRINTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class FitSettings:
    """The settings of one fit.

    Parameters
    ----------
    effort : Effort
        Restarts and steps of each stage that trains.
    time_limit : float or None
        Seconds after which the best formula so far is taken; None leaves it to `effort`.
    cell : CellName
        The cell that is trained.
    layers : int or None
        Train stacks of exactly this many layers (1 to 5); None tries all stages.
    train_only : bool
        Train stacks alone; nothing is solved in closed form.
    ternary : bool
        Allow no weights but -1, 0 and 1, in products too.
    constants : bool
        Allow real constants that are not 0 or 1.
    noise : float or None
        Relative noise of the target (standard deviation over root mean square); None estimates it.
    far_share : float
        Share of the rows, the outermost ones, held out to measure extrapolation (0 to 0.5).
    seed : int
        Where the random starts come from; equal seeds give equal answers.
    device : Device
        Where the stacks are trained.
    threads : int
        Workers for groups of restarts (1 to 256); the answer does not depend on it.

    Raises
    ------
    UsageError
        If a value is outside its range.
    """

    effort: Effort = Effort.NORMAL
    time_limit: float | None = None
    cell: CellName = CellName.AUTO
    layers: int | None = None
    train_only: bool = False
    ternary: bool = False
    constants: bool = True
    noise: float | None = None
    far_share: float = 0.15
    seed: int = 0
    device: Device = Device.AUTO
    threads: int = 2

    def __post_init__(self) -> None:
        _within("--time", self.time_limit, 0.0, 1e7, above=True)
        _within("--layers", self.layers, 1, 5)
        _within("--noise", self.noise, 0.0, 10.0)
        _within("--far", self.far_share, 0.0, 0.5)
        _within("--seed", self.seed, 0, 2**63 - 1)
        _within("--threads", self.threads, 1, 256)


def _within(
    option: str, value: float | None, low: float, high: float, *, above: bool = False
) -> None:
    if value is None:
        return
    if not math.isfinite(value) or value < low or value > high or (above and value == low):
        relation = f"more than {low:g} and at most {high:g}" if above else f"{low:g} to {high:g}"
        raise UsageError(f"{option} is {value}", accepted=f"it must be {relation}")

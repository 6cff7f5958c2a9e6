"""The experiments of the papers on neural arithmetic, each repeated by one command.

An experiment is a subclass of `Experiment` in a file of its own and a line here.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from nalu_cli.errors import UsageError, quoted

if TYPE_CHECKING:
    from nalu_cli.experiments.papers.experiment import Experiment

__all__ = ["EXPERIMENTS", "experiment_named"]

EXPERIMENTS: Mapping[str, str] = {
    "identity": "a number is copied, far outside the range it was learned in",
    "static": "sums, products, quotients and roots of sums of some of a hundred columns",
    "recurrent": "the same functions of sums that build up over a thousand steps",
    "digits": "images of digits are counted and added up, a hundred times as many as were learned",
    "language": "number phrases are turned into numbers, from 169 of a thousand",
    "gridworld": "a target is reached exactly at a time that is told, far beyond those of training",
    "programs": "sums and small programs are answered, with longer numbers than were learned",
}
"""What each is about, by name, in the order of the paper. A module is loaded when it is run."""


def experiment_named(name: str) -> Experiment:
    """The experiment in the module of that name, called as the module is.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in EXPERIMENTS:
        close = difflib.get_close_matches(name.casefold(), EXPERIMENTS, n=2, cutoff=0.4)
        raise UsageError(
            f"there is no experiment {quoted(name)}",
            accepted=f"there are {', '.join(EXPERIMENTS)}",
            remedy=f"Did you mean {' or '.join(map(quoted, close))}?" if close else "",
        )
    module = import_module(f"{__name__}.{name}")
    experiment: Experiment = getattr(module, name.capitalize())()
    return experiment

"""What a shell offers when Tab is pressed: columns of the file on the command line, names."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import typer

from nalu_cli.experiments.papers import EXPERIMENTS

__all__ = ["complete_column", "complete_columns", "complete_experiment", "complete_range"]


def complete_column(ctx: typer.Context, incomplete: str) -> list[str]:
    """Columns of the table that begin with what was typed."""
    return _beginning(_columns_of_table(ctx), incomplete)


def complete_columns(ctx: typer.Context, incomplete: str) -> list[str]:
    """The same for lists such as `a,b`: the last one is completed, none is offered twice."""
    before, comma, last = incomplete.rpartition(",")
    listed = {name.strip() for name in before.split(",")}
    names = [name for name in _columns_of_table(ctx) if name not in listed and "," not in name]
    return [f"{before}{comma}{name}" for name in _beginning(names, last)]


def complete_range(ctx: typer.Context, incomplete: str) -> list[str]:
    """Columns the formula of the model uses, with the equals sign that comes next."""
    if "=" in incomplete:
        return []
    return [f"{name}=" for name in _beginning(_columns_of_model(ctx), incomplete)]


def complete_experiment(incomplete: str) -> list[tuple[str, str]]:
    """Experiments of the papers that begin with what was typed, and what they are about."""
    return [(name, about) for name, about in EXPERIMENTS.items() if name.startswith(incomplete)]


def _beginning(names: list[str], incomplete: str) -> list[str]:
    # what cannot be printed can neither be offered nor typed
    return [name for name in names if name.isprintable() and name.startswith(incomplete)]


def _columns_of_table(ctx: typer.Context) -> list[str]:
    path = _file(ctx, "data")
    # whatever is wrong with the file is said when the command runs
    with suppress(Exception):
        from nalu_cli.table import column_names

        return list(column_names(path)) if path else []
    return []


def _columns_of_model(ctx: typer.Context) -> list[str]:
    path = _file(ctx, "model")
    with suppress(Exception):
        from nalu_cli.storage.model_file import load_model

        if path:
            answer = load_model(path)
            return [answer.names[j] for j in answer.circuit.used_columns()]
    return []


def _file(ctx: typer.Context, parameter: str) -> str | None:
    """The regular file a command was given; standard input or a pipe would be waited for."""
    # an unfinished command line is not assigned to the parameters
    given = ctx.params.get(parameter) or next(iter(ctx.args), None)
    with suppress(OSError, ValueError):
        if given and Path(given).is_file():
            return str(given)
    return None

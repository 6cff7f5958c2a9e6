"""The command line that repeats a fit, as words for the model file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

__all__ = ["command_words"]

OF_THIS_RUN = frozenset(
    {"output", "report", "plot", "as_json", "quiet", "no_color", "version", "require_exact"}
)
"""Options that say where results go and how they look; none changes the answer."""


def command_words(context: typer.Context) -> tuple[str, ...]:
    """The words that ask for the same fit again.

    Parameters
    ----------
    context : typer.Context
        Of the command that is running.

    Returns
    -------
    tuple of str
        The command, the file, and every option that was given and matters.
    """
    words = ["nalu", str(context.info_name)]
    last: list[str] = []
    for parameter in context.command.params:
        name = str(parameter.name)
        if name in OF_THIS_RUN or not _was_given(context, name):
            continue
        value = context.params[name]
        if parameter.param_type_name == "argument":
            looks_like_option = str(value).startswith("-") and value != "-"
            (last if looks_like_option else words).append(str(value))
        else:
            words += _option(parameter, value)
    return (*words, *(["--", *last] if last else []))


def _was_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _option(parameter: Any, value: Any) -> Iterator[str]:
    option = max(parameter.opts, key=len)
    if parameter.is_flag:
        yield option
        return
    for one in value if isinstance(value, list | tuple) else [value]:
        text = str(one)
        # it would be read as another option
        yield from [f"{option}={text}"] if text.startswith("-") else [option, text]

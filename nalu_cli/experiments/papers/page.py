"""A page in Markdown of the papers' experiments: published beside ours, and where we fall short."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from nalu_cli.errors import UsageError
from nalu_cli.experiments.papers import EXPERIMENTS, experiment_named
from nalu_cli.experiments.papers.experiment import Origin
from nalu_cli.experiments.papers.published import MEMORY
from nalu_cli.experiments.papers.summary import Summary, summary_in
from nalu_cli.experiments.papers.tables import Shortfall, TaskTable
from nalu_cli.experiments.results_page import row, table_head

__all__ = ["MARK", "page_of"]

MARK = "<!-- Written by nalu reproduce; the next one replaces it. -->"
"""First line of a page, by which a run knows what it may replace."""

ABOUT = (
    "Each experiment is repeated by the command above its table. A cell has the median over the "
    "seeds, and in brackets the lowest and the highest where they differ; beside it stands what "
    "was published. Below each table is what the experiment shows, and every row that is worse "
    "than was published: ours than the best of all models, the others than themselves."
)


def page_of(command: str, folder: Path, place: Path) -> str:
    """The page.

    Parameters
    ----------
    command : str
        The command line that writes it.
    folder : Path
        Where the results are.
    place : Path
        The folder the page will be in.

    Raises
    ------
    UsageError
        If there are no results, or a results file holds something else.
    """
    found = [name for name in EXPERIMENTS if (folder / f"{name}.csv").is_file()]
    if not found:
        raise UsageError(
            f"there are no results in the folder {folder}",
            accepted="nalu reproduce NAME writes them",
            remedy="Name another with --out.",
        )
    lines = [MARK, "", "# The experiments of the papers, repeated", "", "```", command, "```", ""]
    lines += [ABOUT, ""]
    has_memories = False
    for name in found:
        summary = summary_in(folder / f"{name}.csv", experiment_named(name))
        has_memories |= summary.has_memories
        figure = folder / f"{name}.png"
        link = Path(os.path.relpath(figure, place)).as_posix() if figure.is_file() else ""
        lines += _section(summary, link)
    if has_memories:
        lines.append(f"{_escaped(MEMORY)}.")
    return "\n".join(lines) + "\n"


def _section(summary: Summary, figure: str) -> Iterator[str]:
    experiment = summary.experiment
    yield from (f"## {experiment.name}", "", experiment.title, "")
    yield f"Source: {experiment.source}. The numbers: {experiment.unit}. Seeds: {summary.seeds}."
    yield from ("", "```", summary.command, "```", "")
    for table in summary.tables:
        yield from _table(table, alone=len(summary.tables) == 1)
    if figure:
        yield from (f"![{experiment.title}]({figure})", "")
    if not summary.results.is_complete:
        yield from ("The run is not complete.", "")
    for claim in summary.claims:
        yield f"* {claim.text} {'Holds' if claim.holds else '**Does not hold**'}."
    yield ""
    for note in summary.notes:
        yield from (note, "")
    if summary.sources and not summary.shortfalls:
        yield from ("No row falls short of what was published.", "")
    yield from _fallen_short(summary.shortfalls)


def _table(table: TaskTable, *, alone: bool) -> Iterator[str]:
    if not alone:
        yield from (f"### {table.task}", "")
    heads: list[str] = []
    for measure, published in zip(table.measures, _have_published(table), strict=True):
        heads += [measure, *(["published"] if published else [])]
    yield from table_head("model", *heads)
    for origin, lines in groupby(table.lines, key=lambda line: line.origin):
        yield row(f"*{origin}*", *("" for _ in heads))
        for line in lines:
            cells: list[str] = []
            for cell, published in zip(line.cells, _have_published(table), strict=True):
                cells.append(cell.text())
                cells += [_escaped(str(cell.published or ""))] if published else []
            yield row(line.model, *cells)
    yield ""


def _have_published(table: TaskTable) -> list[bool]:
    indices = range(len(table.measures))
    return [any(line.cells[k].published for line in table.lines) for k in indices]


def _fallen_short(shortfalls: Sequence[Shortfall]) -> Iterator[str]:
    ours = [short for short in shortfalls if short.origin is Origin.OURS]
    others = [short for short in shortfalls if short.origin is not Origin.OURS]
    heads = {
        "Where ours falls short of the best published:": ours,
        "Where a model does worse here than in its paper:": others,
    }
    for head, some in heads.items():
        if some:
            yield from (head, "", *(f"* {_escaped(short.text())}." for short in some), "")


def _escaped(text: str) -> str:
    return text.replace("*", "\\*")

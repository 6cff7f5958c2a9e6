"""Results of a paper's experiment as lines of text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from rich.text import Text

from nalu_cli.commands.envelope import RESULT_VERSION
from nalu_cli.commands.screen import aligned
from nalu_cli.experiments.papers.published import MEMORY
from nalu_cli.experiments.papers.summary import Summary
from nalu_cli.experiments.papers.tables import Cell, TaskTable
from nalu_cli.model_file import installed_versions
from nalu_cli.plain import to_plain

__all__ = ["claim_lines", "reproduction_data", "result_lines"]


def result_lines(summary: Summary, width: int | None) -> Iterator[Text]:
    """A table for each task, then the claims.

    Parameters
    ----------
    summary : Summary
    width : int or None
        Cells of the terminal, if it is one.
    """
    experiment, seeds = summary.experiment, summary.seeds
    yield Text(experiment.title, style="bold")
    several = f", median of {seeds} seeds (lowest to highest)" if seeds > 1 else ""
    yield Text(f"{experiment.unit}{several}; {experiment.source}", style="dim")
    for table in summary.tables:
        yield Text()
        yield Text(table.task, style="bold")
        yield from _table_lines(table, width)
    if summary.has_memories:
        yield Text()
        yield Text(MEMORY, style="dim")
    if summary.claims:
        yield Text()
        yield from claim_lines(summary)


def claim_lines(summary: Summary) -> list[Text]:
    """Each claim, with whether it holds."""
    rows = [("holds" if claim.holds else "FAILS", claim.text) for claim in summary.claims]
    lines = aligned(("claim", ""), rows, left=frozenset({0, 1}))
    for line, claim in zip(lines[1:], summary.claims, strict=True):
        line.stylize("green" if claim.holds else "bold red", 0, len("holds"))
    return lines


def _table_lines(table: TaskTable, width: int | None) -> list[Text]:
    """The table, without the ends where there is no room for them, and in parts if need be."""
    indices = range(len(table.measures))
    for with_ends in (True, False):
        lines = _part(table, indices, with_ends=with_ends)
        if width is None or max(line.cell_len for line in lines) <= width:
            return lines
    assert width is not None  # without, there is always room
    parts: list[list[int]] = [[]]
    for index in indices:
        tried = _part(table, [*parts[-1], index], with_ends=False)
        if parts[-1] and max(line.cell_len for line in tried) > width:
            parts.append([])
        parts[-1].append(index)
    return [line for part in parts for line in _part(table, part, with_ends=False)]


def _part(table: TaskTable, indices: Sequence[int], *, with_ends: bool) -> list[Text]:
    head, columns = ["model"], []
    for index in indices:
        has_published = any(line.cells[index].published for line in table.lines)
        columns.append((index, has_published))
        head += [table.measures[index], *(["published"] if has_published else [])]
    rows: list[list[str]] = []
    for line in table.lines:
        cells = [f"  {line.model}"]
        for index, has_published in columns:
            cells.append(line.cells[index].text(with_ends=with_ends))
            cells += [str(line.cells[index].published or "-")] if has_published else []
        rows.append(cells)
    title, *texts = aligned(head, rows)
    grouped = [title]
    groups = groupby(zip(table.lines, texts, strict=True), key=lambda one: one[0].origin)
    for origin, some in groups:
        grouped += [Text(origin, style="dim"), *(text for _, text in some)]
    return grouped


def reproduction_data(summary: Summary) -> dict[str, Any]:
    """What `nalu reproduce NAME --json` says."""
    experiment = summary.experiment
    return {
        "nalu_result_version": RESULT_VERSION,
        "command": "reproduce",
        "arguments": summary.command,
        "experiment": experiment.name,
        "title": experiment.title,
        "source": experiment.source,
        "unit": experiment.unit,
        "seeds": summary.seeds,
        "interrupted": not summary.results.is_complete,
        "tables": [_table_data(table) for table in summary.tables],
        "claims": [{"text": c.text, "holds": bool(c.holds)} for c in summary.claims],
        "shortfalls": [
            {**to_plain(short, without=("published",)), "published": short.published.text}
            for short in summary.shortfalls
        ],
        "versions": installed_versions(),
    }


def _table_data(table: TaskTable) -> dict[str, Any]:
    return {
        "task": table.task,
        "models": [
            {
                "model": line.model,
                "origin": line.origin.value,
                "measures": {
                    measure: _cell_data(cell)
                    for measure, cell in zip(table.measures, line.cells, strict=True)
                },
            }
            for line in table.lines
        ],
    }


def _cell_data(cell: Cell) -> dict[str, Any]:
    published = cell.published
    return {
        "values": to_plain(cell.values),
        "median": to_plain(cell.median),
        "published": None if published is None else published.text,
        "from_memory": None if published is None else published.from_memory,
        "source": None if published is None else published.source,
    }

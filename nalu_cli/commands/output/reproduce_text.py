"""Results of a paper's experiment as lines of text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from rich.text import Text

from nalu_cli.commands.console.screen import Row, aligned
from nalu_cli.commands.output.json_output import RESULT_VERSION
from nalu_cli.experiments.papers.published import MEMORY
from nalu_cli.experiments.papers.summary import Summary
from nalu_cli.experiments.papers.tables import Cell, TaskTable
from nalu_cli.storage.model_file import installed_versions
from nalu_cli.storage.plain import to_plain

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
    with_ends = all(_fits(table, width) for table in summary.tables)
    ends = " (lowest to highest)" if with_ends else ""
    several = f", median of {seeds} seeds{ends}" if seeds > 1 else ""
    yield Row(experiment.title, hang=0, style="bold")
    yield Row(f"{experiment.unit}{several}; {experiment.source}", hang=0, style="dim")
    for table in summary.tables:
        yield Text()
        yield Text(table.task, style="bold")
        yield from _table_lines(table, width, with_ends=with_ends)
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


def _fits(table: TaskTable, width: int | None) -> bool:
    """Whether there is room for the lowest and highest of each measure."""
    lines = _part(table, range(len(table.measures)), with_ends=True)
    return width is None or _widest(lines) <= width


def _table_lines(table: TaskTable, width: int | None, *, with_ends: bool) -> Iterator[Text]:
    """The table, in parts if there is no room for all measures side by side."""
    parts: list[list[int]] = [[]]
    for index in range(len(table.measures)):
        tried = _part(table, [*parts[-1], index], with_ends=with_ends)
        if parts[-1] and width is not None and _widest(tried) > width:
            parts.append([])
        parts[-1].append(index)
    for part in parts:
        yield from _part(table, part, with_ends=with_ends)


def _widest(lines: Sequence[Text]) -> int:
    return max(line.cell_len for line in lines)


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
        "notes": list(summary.notes),
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

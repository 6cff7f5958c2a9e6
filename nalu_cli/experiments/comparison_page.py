"""A page in Markdown: published cells by the published protocol, and every cell on tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from nalu_cli.errors import UsageError
from nalu_cli.experiments.benchmark_file import SUITES, read_suite
from nalu_cli.experiments.comparison import Best, Line, Numbers, Run, lines_of, total_of
from nalu_cli.experiments.protocol import Protocol
from nalu_cli.experiments.results_page import MARK, number_text, row, table_head
from nalu_cli.settings import CellName

__all__ = ["comparison_page"]

SIGNS = {
    "add": "+",
    "sub": "-",
    "mul": "×",
    "div": "÷",
    "squared": "square",
    "root": "root",
    "reciprocal": "1/a",
}

PAPER = (
    "Runs of a cell on endless fresh rows, solved when the error on far rows is below that of an "
    "exact model whose weights are slightly off, at the checkpoint that does best near by. Steps "
    "and sparsity error (largest distance of a weight to -1, 0 or 1) are medians over the runs "
    "solved, seconds those of a batch shared out among its runs. Intervals are Wilson's, 95 %. A "
    "result agrees when its interval and that of the published one overlap. A batch ends early "
    "when all of its runs are solved at 20 logs in a row with the regulariser at its full weight. "
    "The last column tells what a cell did not learn from what it cannot do: the exact weights are "
    "put into it and pass the same test, or fail, or do not exist."
)

TABLES = (
    "A fit of a table of 1000 rows, weights snapped, the operation not told. A run counts when the "
    "formula is equal to the law; its sparsity error is 0 then, since all weights are snapped."
)


def comparison_page(command: str, runs: Sequence[Run], numbers: Numbers) -> str:
    """The page.

    Parameters
    ----------
    command : str
        The command line that writes it.
    runs : sequence of Run
    numbers : Numbers
    """
    lines = [MARK, "", "# Published cells, and ours", "", "```", command, "```", ""]
    lines += ["## Published cells by the published protocol", "", PAPER, ""]
    lines += _sections(runs, numbers, Protocol.PAPER)
    lines += ["## Every cell on tables", "", TABLES, ""]
    lines += _sections(runs, numbers, Protocol.CSV)
    lines += ["## The best published results, and the default cell on tables", ""]
    lines += _best(runs, numbers)
    lines += ["", "## Sources", ""]
    lines += [f"* {text}" for text in numbers.sources.values()]
    return "\n".join(lines) + "\n"


def _sections(runs: Sequence[Run], numbers: Numbers, protocol: Protocol) -> Iterator[str]:
    chosen = [run for run in runs if run.protocol is protocol]
    for suite in dict.fromkeys(run.suite for run in chosen):
        yield from (f"### {suite}", "", *_about(suite))
        mine = [run for run in chosen if run.suite == suite]
        yield from _published(mine, numbers) if protocol is Protocol.PAPER else _tables(mine)
        yield ""
        for note in numbers.notes:
            if note.suite == suite and protocol is Protocol.PAPER:
                yield from (note.text, "")


def _about(suite: str) -> Iterator[str]:
    with suppress(UsageError):  # a suite of somebody's own
        yield from (f"{read_suite(SUITES, suite).about}.", "")


def _published(runs: Sequence[Run], numbers: Numbers) -> Iterator[str]:
    yield from table_head(
        "cell",
        "operation",
        "range",
        "solved",
        "interval",
        "published",
        "agrees",
        "steps",
        "published",
        "sparsity error",
        "seconds",
        "of those that failed",
    )
    for run in runs:
        for line in lines_of(run, numbers):
            yield _published_line(line)
    shorter = [run for run in runs if run.options]
    if shorter:
        yield ""
    for run in shorter:
        yield f"* `{run.cell}` was run with `{run.options}`."


def _published_line(line: Line) -> str:
    known = line.published
    agrees = {None: "", True: "yes", False: "**no**"}[line.agrees]
    return row(
        line.cell,
        SIGNS[line.operation],
        line.range,
        f"{line.solved} of {line.runs}",
        _interval(line),
        "" if known is None else f"{known.percent:g} % of {known.runs}",
        agrees,
        _steps(line.steps),
        "" if known is None else _steps(known.steps),
        number_text(line.sparsity),
        number_text(line.seconds),
        line.reason,
    )


def _tables(runs: Sequence[Run]) -> Iterator[str]:
    operations = list(dict.fromkeys(o.labels[0] for run in runs for o in run.outcomes))
    yield from table_head("cell", *(SIGNS[o] for o in operations), "interval of all", "seconds")
    for run in runs:
        totals = [total_of(run, operation) for operation in operations]
        cells = [f"{t.solved} of {t.runs}" if t.runs else "" for t in totals]
        everything = _all(run)
        name = f"{run.cell} {run.options}".strip()
        yield row(name, *cells, _interval(everything), number_text(everything.seconds))
    for run in runs:
        if run.cell is CellName.AUTO:
            yield from _missed(run)


def _all(run: Run) -> Line:
    parts = [total_of(run, o) for o in dict.fromkeys(x.labels[0] for x in run.outcomes)]
    seconds = sorted(o.seconds for o in run.outcomes if o.seconds is not None)
    return Line(
        cell=run.cell,
        operation="",
        range="",
        options=run.options,
        solved=sum(part.solved for part in parts),
        runs=sum(part.runs for part in parts),
        steps=None,
        sparsity=None,
        seconds=seconds[len(seconds) // 2] if seconds else None,
    )


def _missed(run: Run) -> Iterator[str]:
    """What the default cell did not find, each with what it said instead."""
    missed = [outcome for outcome in run.outcomes if not outcome.recovered]
    if missed:
        yield ""
        yield f"Not found by `{run.cell}`:"
        yield ""
    for outcome in missed:
        said = outcome.error or f"{outcome.verdict}: `{outcome.formula[:80]}`"
        sign, case = SIGNS[outcome.labels[0]], outcome.labels[1]
        yield f"* {sign}, {case}, seed {outcome.seed}: {said}"


def _best(runs: Sequence[Run], numbers: Numbers) -> Iterator[str]:
    yield from table_head("row", "suite", "best published", "ours, on tables", "seconds")
    for best in numbers.best:
        mine = [
            run
            for run in runs
            if (run.suite, run.protocol, run.cell) == (best.suite, Protocol.CSV, CellName.AUTO)
        ]
        for run in mine:
            yield _best_line(best, run, numbers)


def _best_line(best: Best, run: Run, numbers: Numbers) -> str:
    operations = dict.fromkeys(outcome.labels[0] for outcome in run.outcomes)
    totals = [total_of(run, operation) for operation in operations]
    found = ", ".join(f"{SIGNS[t.operation]} {t.solved} of {t.runs}" for t in totals)
    text = f"{best.text} ({numbers.sources[best.source]})" if best.source else best.text
    return row(best.row, best.suite, text, found, number_text(_all(run).seconds))


def _steps(steps: float | None) -> str:
    return "" if steps is None else f"{steps:,.0f}"


def _interval(line: Line) -> str:
    low, high = line.interval
    return f"{100 * low:.0f} to {100 * high:.0f} %"

"""Outcomes of a benchmark as lines of text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from nalu_cli.commands.console.screen import aligned
from nalu_cli.commands.output.json_output import RESULT_VERSION
from nalu_cli.errors import visible
from nalu_cli.experiments.results_page import count_text, number_text, share_text, sharp_text
from nalu_cli.experiments.totals import FAILED, Totals, by_label, by_verdict, totals_of
from nalu_cli.experiments.trial import Outcome
from nalu_cli.storage.model_file import installed_versions
from nalu_cli.storage.plain import to_plain

__all__ = ["bench_data", "bench_lines", "headline", "progress_line"]


def progress_line(outcome: Outcome, done: int, total: int) -> str:
    """What is said when a trial ends."""
    seconds = "" if outcome.seconds is None else f"  {outcome.seconds:.2f} s"
    found = _found(outcome)
    return visible(f"{done}/{total}  {found}{seconds}  {outcome.name} seed {outcome.seed}")


def _found(outcome: Outcome) -> str:
    if outcome.error:
        return f"failed ({outcome.error})"
    if outcome.is_published_run:
        return f"solved at step {outcome.steps}" if outcome.recovered else "NOT solved"
    return f"{'recovered' if outcome.recovered else 'NOT recovered'}, {outcome.verdict}"


def bench_lines(titles: tuple[str, str], outcomes: Sequence[Outcome]) -> Iterator[Text]:
    """A row for each problem, the totals of each group, and the sum of it all."""
    if any(outcome.is_published_run for outcome in outcomes):
        yield from _published_runs(titles, outcomes)
    else:
        yield from _problems(titles, outcomes)
    for label, title in enumerate(titles):
        yield Text()
        yield from _groups(title, by_label(outcomes, label))
    yield Text()
    yield from headline(outcomes)


def headline(outcomes: Sequence[Outcome]) -> Iterator[Text]:
    """How many were recovered, whether any claim was wrong, and how long it took."""
    totals = totals_of(outcomes)
    published = any(outcome.is_published_run for outcome in outcomes)
    word = "solved" if published else "recovered"
    yield Text(
        f"{word} {totals.recovered} of {totals.problems}, {share_text(totals)}", style="bold"
    )
    if totals.sharp is not None:
        yield Text(f"sharp, equal to the law to the last digit: {totals.sharp}", style="bold")
    if not published:
        yield from _claims(totals, outcomes)
    if totals.failed:
        yield Text(f"without a formula: {totals.failed}", style="yellow")
    yield Text(_times(totals))


def _claims(totals: Totals, outcomes: Sequence[Outcome]) -> Iterator[Text]:
    style = "bold red" if totals.falsely_exact else "bold green"
    yield Text(f"called exact and not recovered: {totals.falsely_exact}", style=style)
    for outcome in outcomes:
        if outcome.is_falsely_exact:
            yield Text(visible(f"  {outcome.name} seed {outcome.seed}: {outcome.formula}"), "red")
    counts = {name: group.problems for name, group in by_verdict(outcomes).items()}
    yield Text(f"verdicts: {', '.join(f'{name} {number}' for name, number in counts.items())}")


def _times(totals: Totals) -> str:
    median = number_text(totals.median_seconds)
    text = f"seconds: median {median}, slowest {number_text(totals.slowest_seconds)}"
    if totals.median_process_seconds is None:
        return text
    return f"{text}; whole process: median {number_text(totals.median_process_seconds)}"


def _problems(titles: tuple[str, str], outcomes: Sequence[Outcome]) -> list[Text]:
    timed = any(outcome.process_seconds is not None for outcome in outcomes)
    printed = any(outcome.sharp is not None for outcome in outcomes)
    head = ["id", "seed", *titles, "recovered", "verdict", "far error", "seconds"]
    head += [*(["sharp"] if printed else []), *(["process"] if timed else [])]
    head += ["found by", "formula"]
    rows = [_problem(outcome, printed, timed) for outcome in outcomes]
    last = len(head) - 1
    return aligned(head, rows, left=frozenset({0, 2, 3, 4, 5, last - 1, last}))


def _published_runs(titles: tuple[str, str], outcomes: Sequence[Outcome]) -> list[Text]:
    """What is known of runs by the published protocol: no verdict and no formula."""
    head = ["id", "seed", *titles, "solved", "steps", "test error", "sparsity error", "seconds"]
    rows = [
        [
            visible(outcome.name),
            str(outcome.seed),
            *map(visible, outcome.labels),
            "yes" if outcome.recovered else "NO",
            "-" if outcome.steps is None else str(outcome.steps),
            number_text(outcome.test_error),
            number_text(outcome.sparsity),
            number_text(outcome.seconds),
            visible(outcome.error or outcome.found_by),
        ]
        for outcome in outcomes
    ]
    return aligned([*head, "by"], rows, left=frozenset({0, 2, 3, 4, 9}))


def _problem(outcome: Outcome, printed: bool, timed: bool) -> list[str]:
    sharp = [sharp_text(outcome.sharp)] if printed else []
    process = [number_text(outcome.process_seconds)] if timed else []
    cells = [
        outcome.name,
        str(outcome.seed),
        *outcome.labels,
        "yes" if outcome.recovered else "NO",
        str(outcome.verdict or FAILED),
        number_text(outcome.far_error),
        number_text(outcome.seconds),
        *sharp,
        *process,
        outcome.found_by or "-",
        outcome.formula or outcome.error,
    ]
    return [visible(cell) for cell in cells]


def _groups(title: str, groups: Mapping[str, Totals]) -> list[Text]:
    printed = any(totals.sharp is not None for totals in groups.values())
    rows = [
        (
            visible(name),
            f"{totals.recovered} of {totals.problems}",
            *([count_text(totals.sharp)] if printed else []),
            share_text(totals),
            str(totals.exact),
            str(totals.falsely_exact),
            number_text(totals.median_seconds),
        )
        for name, totals in groups.items()
    ]
    head = (title, "recovered", *(["sharp"] if printed else []))
    return aligned((*head, "share", "exact", "wrongly exact", "median s"), rows)


def bench_data(
    kind: str, command: str, titles: tuple[str, str], outcomes: Sequence[Outcome], planned: int
) -> dict[str, Any]:
    """What `nalu bench --json` says.

    Parameters
    ----------
    kind : str
        Of benchmark.
    command : str
        The command line that repeats the run.
    titles : (str, str)
        Of the labels.
    outcomes : sequence of Outcome
    planned : int
        How many there would be at the end.
    """
    groups = {title: by_label(outcomes, label) for label, title in enumerate(titles)}
    if not any(outcome.is_published_run for outcome in outcomes):
        groups["verdict"] = by_verdict(outcomes)
    return {
        "nalu_result_version": RESULT_VERSION,
        "command": f"bench {kind}",
        "arguments": command,
        "planned": planned,
        "totals": to_plain(totals_of(outcomes)),
        "groups": to_plain(groups),
        "outcomes": [_plain_outcome(titles, outcome) for outcome in outcomes],
        "versions": installed_versions(),
    }


def _plain_outcome(titles: tuple[str, str], outcome: Outcome) -> dict[str, Any]:
    """The entries of an outcome, with its labels under their titles."""
    plain = to_plain(outcome, without=("name", "labels"))
    return {"id": outcome.name, **dict(zip(titles, outcome.labels, strict=True)), **plain}

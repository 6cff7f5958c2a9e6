"""A page of results in Markdown: the command, the totals, and a row for each problem."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nalu_cli.experiments.totals import FAILED, Totals, by_label, by_stage, by_verdict, totals_of
from nalu_cli.experiments.trial import Outcome

__all__ = [
    "MARK",
    "count_text",
    "number_text",
    "results_page",
    "row",
    "share_text",
    "sharp_text",
    "table_head",
]

MARK = "<!-- Written by nalu bench; the next run replaces it. -->"
"""First line of a page, by which a run knows what it may replace."""


def results_page(
    title: str,
    command: str,
    titles: tuple[str, str],
    outcomes: Sequence[Outcome],
    versions: Mapping[str, str],
) -> str:
    """The page.

    Parameters
    ----------
    title : str
    command : str
        The command line that repeats the run.
    titles : (str, str)
        Of the labels.
    outcomes : sequence of Outcome
        In the order they are shown in.
    versions : mapping of str to str
        What the run was made with.
    """
    made_with = ", ".join(f"{name} {version}" for name, version in versions.items())
    lines = [MARK, "", f"# {title}", "", "```", command, "```", "", f"Made with {made_with}.", ""]
    lines.extend(_headline(totals_of(outcomes)))
    published = any(outcome.is_published_run for outcome in outcomes)
    if not published:
        lines.extend(["", "## By verdict", "", *_verdicts(by_verdict(outcomes))])
    for label, name in enumerate(titles):
        lines.extend(["", f"## By {name}", "", *_groups(name, by_label(outcomes, label))])
    if not published:
        lines.extend(["", "## Where the time goes", "", *_times(by_stage(outcomes))])
    problems = _published_runs(titles, outcomes) if published else _problems(titles, outcomes)
    lines.extend(["", "## Problems", "", *problems])
    return "\n".join(lines) + "\n"


def share_text(totals: Totals) -> str:
    """The share recovered, with its interval."""
    low, high = 100 * totals.low, 100 * totals.high
    return f"{100 * totals.share:.1f} % (95 % interval {low:.1f} to {high:.1f} %)"


def number_text(value: float | None, digits: int = 2) -> str:
    """A number for people; a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}g}"


def count_text(count: int | None) -> str:
    """A count for people; a dash where nothing was counted."""
    return "-" if count is None else str(count)


def sharp_text(sharp: bool | None) -> str:
    """Whether a formula is the law to the last digit; a dash where that was not in question."""
    return "-" if sharp is None else "yes" if sharp else "no"


def _headline(totals: Totals) -> Iterator[str]:
    yield f"* recovered: {totals.recovered} of {totals.problems}, {share_text(totals)}"
    if totals.sharp is not None:
        yield f"* sharp, equal to the law to the last digit: {totals.sharp} of {totals.problems}"
    yield f"* called exact and not recovered: **{totals.falsely_exact}**"
    yield f"* without a formula: {totals.failed}"
    yield f"* median seconds of a fit: {number_text(totals.median_seconds)}"
    yield f"* slowest: {number_text(totals.slowest_seconds)}"
    if totals.median_process_seconds is not None:
        median = number_text(totals.median_process_seconds)
        yield f"* median seconds of a whole process, start-up included: {median}"


def _groups(title: str, groups: Mapping[str, Totals]) -> Iterator[str]:
    printed = any(totals.sharp is not None for totals in groups.values())
    columns = ("share", "called exact", "wrongly exact", "median seconds")
    yield from table_head(title, "recovered", *(["sharp"] if printed else []), *columns)
    for name, totals in groups.items():
        yield row(
            name,
            f"{totals.recovered} of {totals.problems}",
            *([count_text(totals.sharp)] if printed else []),
            share_text(totals),
            str(totals.exact),
            str(totals.falsely_exact),
            number_text(totals.median_seconds),
        )


def _verdicts(groups: Mapping[str, Totals]) -> Iterator[str]:
    yield from table_head("verdict", "problems", "recovered")
    for name, totals in groups.items():
        yield row(name, str(totals.problems), str(totals.recovered))


def _times(groups: Mapping[str, Totals]) -> Iterator[str]:
    whole = sum(totals.all_seconds for totals in groups.values()) or 1.0
    yield from table_head("stage with the answer", "recovered", "median seconds", "share of all")
    for name, totals in groups.items():
        yield row(
            name,
            f"{totals.recovered} of {totals.problems}",
            number_text(totals.median_seconds),
            f"{100 * totals.all_seconds / whole:.1f} %",
        )


def _problems(titles: Sequence[str], outcomes: Sequence[Outcome]) -> Iterator[str]:
    printed = any(outcome.sharp is not None for outcome in outcomes)
    columns = ("verdict", "far error", "seconds", "found by", "formula")
    yield from table_head(
        "id", "seed", *titles, "recovered", *(["sharp"] if printed else []), *columns
    )
    for outcome in outcomes:
        yield row(
            outcome.name,
            str(outcome.seed),
            *outcome.labels,
            "yes" if outcome.recovered else "**no**",
            *([sharp_text(outcome.sharp)] if printed else []),
            str(outcome.verdict or FAILED),
            number_text(outcome.far_error),
            number_text(outcome.seconds),
            outcome.found_by,
            _code(outcome.formula) or outcome.error,
        )


def _published_runs(titles: Sequence[str], outcomes: Sequence[Outcome]) -> Iterator[str]:
    columns = ("solved", "steps", "test error", "sparsity error", "seconds", "by")
    yield from table_head("id", "seed", *titles, *columns)
    for outcome in outcomes:
        yield row(
            outcome.name,
            str(outcome.seed),
            *outcome.labels,
            "yes" if outcome.recovered else "**no**",
            "-" if outcome.steps is None else str(outcome.steps),
            number_text(outcome.test_error),
            number_text(outcome.sparsity),
            number_text(outcome.seconds),
            outcome.error or outcome.found_by,
        )


def table_head(*cells: str) -> Iterator[str]:
    """The two lines a Markdown table begins with."""
    yield row(*cells)
    yield row(*("---" for _ in cells))


def row(*cells: str) -> str:
    """A line of a Markdown table."""
    escaped = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _code(text: str) -> str:
    """Text as code, between more backquotes than it has itself in a row."""
    if not text:
        return ""
    fence = "`"
    while fence in text:
        fence += "`"
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"

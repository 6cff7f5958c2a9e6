"""What the numbers of the engine are worth, as a page in Markdown and as a few lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from nalu_cli.experiments.budgets import (
    Baseline,
    Effect,
    Pass,
    PassResult,
    effect_of,
    moved_tables,
    table_name,
)
from nalu_cli.experiments.engine_numbers import EngineNumber
from nalu_cli.experiments.results_page import MARK, number_text, row, table_head
from nalu_cli.experiments.totals import FAILED
from nalu_cli.experiments.trial import Trial

__all__ = ["Measured", "Tried", "budgets_page", "measured", "summary"]

EARLY = "*"
"""Behind the name of a number that something is computed from while modules are loaded."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A number of the engine, and what came of each factor."""

    number: EngineNumber
    results: Mapping[Fraction, PassResult]
    effect: Effect


@dataclass(frozen=True, slots=True)
class Measured:
    """A run as far as it got."""

    trials: Sequence[Trial]
    baseline: Baseline
    tried: Sequence[Tried]

    @property
    def factors(self) -> list[Fraction]:
        """All that were tried."""
        return sorted({factor for one in self.tried for factor in one.results})

    def is_failing(self, result: PassResult) -> bool:
        """Whether a fit ends in an error that no baseline has, or the pass does not end."""
        moved = moved_tables(result, self.baseline)
        return not result.marks or any(result.marks[k].endswith(FAILED) for k in moved)


def measured(
    trials: Sequence[Trial], passes: Sequence[Pass], results: Sequence[PassResult]
) -> Measured:
    """The results, number by number.

    Parameters
    ----------
    trials : sequence of Trial
        The tables of a pass.
    passes : sequence of Pass
        What was planned.
    results : sequence of PassResult
        What came of those that are done.
    """
    baseline = Baseline.of(results)
    known = {result.key: result for result in results}
    of_number: dict[EngineNumber, dict[Fraction, PassResult]] = {}
    for one in passes:
        if one.number is not None and one.key in known:
            of_number.setdefault(one.number, {})[one.factor] = known[one.key]
    tried = [Tried(n, of, _strongest(of, baseline)) for n, of in of_number.items()]
    return Measured(trials, baseline, tried if baseline.results else [])


def _strongest(results: Mapping[Fraction, PassResult], baseline: Baseline) -> Effect:
    if not baseline.results:
        return Effect.NOTHING
    return min((effect_of(r, baseline) for r in results.values()), key=list(Effect).index)


def summary(run: Measured) -> Iterator[str]:
    """How many numbers move what, and what the engine does as it is."""
    effects = Counter(one.effect for one in run.tried)
    failing = sum(any(map(run.is_failing, one.results.values())) for one in run.tried)
    idle = [one for one in run.tried if one.effect is Effect.NOTHING]
    early = sum(one.number.is_read_early for one in idle)
    yield f"numbers tried: {len(run.tried)}"
    yield f"move a law: {effects[Effect.LAW]}, of which {failing} end a fit with an error"
    yield f"move only a verdict: {effects[Effect.VERDICT]}"
    yield f"move only seconds, by more than noise: {effects[Effect.SECONDS]}"
    yield f"move nothing at any factor: {len(idle)}, of which {early} are also read at loading"
    if run.baseline.results:
        yield f"baseline: {_baseline_text(run)}"


def _baseline_text(run: Measured) -> str:
    found = sorted({result.recovered for result in run.baseline.results})
    laws = str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"
    base = run.baseline
    return (
        f"{laws} of {len(run.trials)} laws, {base.seconds:.1f} s; noise {base.noise:.1f} s; "
        f"{len(base.results)} passes"
    )


def budgets_page(command: str, run: Measured, versions: Mapping[str, str]) -> str:
    """The page.

    Parameters
    ----------
    command : str
        The command line that repeats the run.
    run : Measured
    versions : mapping of str to str
        What the run was made with.
    """
    made_with = ", ".join(f"{name} {version}" for name, version in versions.items())
    lines = [MARK, "", "# Results: budgets", "", "```", command, "```", ""]
    lines += [f"Made with {made_with}.", "", *_about(), ""]
    lines += ["## Summary", "", *(f"* {line}" for line in summary(run)), ""]
    lines += ["## By origin", "", *_origins(run), ""]
    lines += ["## Numbers", "", *_numbers(run), ""]
    lines += ["## Tables", "", *_tables(run)]
    return "\n".join(lines) + "\n"


def _about() -> Iterator[str]:
    yield "One number of the engine at a time is multiplied by a factor, and the same tables are"
    yield "fitted. Seconds, and the limit of a fit, are those of the processor. A table that ends"
    yield "in more than one way in the baselines moves by itself and is not counted. From a number"
    yield f"with `{EARLY}` behind it something is computed while modules are loaded, which stays."
    yield "A law that takes nearly all of its limit may also be lost by chance in a single pass:"
    yield "repeat what moves one table only, with `--only` and a longer `--time`."


def _origins(run: Measured) -> Iterator[str]:
    yield from table_head("origin", "numbers", *Effect)
    counts = Counter((one.number.origin, one.effect) for one in run.tried)
    for origin, count in Counter(one.number.origin for one in run.tried).most_common():
        yield row(origin, str(count), *(str(counts[origin, effect]) for effect in Effect))


def _numbers(run: Measured) -> Iterator[str]:
    factors = run.factors
    columns = ("baseline", *(f"times {factor}" for factor in factors), "origin", "moves")
    yield from table_head("number", "value", *columns)
    for one in run.tried:
        yield row(
            f"`{one.number.label}`{EARLY if one.number.is_read_early else ''}",
            repr(one.number.value),
            _usual(run.baseline),
            *(_result_text(run, one.results.get(factor)) for factor in factors),
            one.number.origin,
            one.effect if one.effect is Effect.NOTHING else f"**{one.effect}**",
        )


def _usual(baseline: Baseline) -> str:
    laws = number_text(sum(r.recovered for r in baseline.results) / len(baseline.results), 3)
    return f"{laws}, {baseline.seconds:.1f} s"


def _result_text(run: Measured, result: PassResult | None) -> str:
    """Laws and seconds, which laws came or went, and what went wrong."""
    if result is None:
        return "-"
    if not result.marks:
        return result.error
    moved = moved_tables(result, run.baseline)
    names = [f"{'+' if won else '-'}{table_name(run.trials[k])}" for k, won in moved.items()]
    said = "; ".join(filter(None, (*names, result.error)))
    text = f"{result.recovered}, {result.seconds:.1f} s"
    return f"{text} ({said})" if said else text


def _tables(run: Measured) -> Iterator[str]:
    results = [result for one in run.tried for result in one.results.values()]
    moved = Counter(k for result in results for k in moved_tables(result, run.baseline))
    yield from table_head("table", "baselines", "passes that move it")
    for k, (trial, marks) in enumerate(zip(run.trials, run.baseline.marks, strict=True)):
        usual = "; ".join(_words(mark) for mark in sorted(marks))
        yield row(table_name(trial), usual, str(moved[k]))


def _words(mark: str) -> str:
    return f"{'recovered' if mark.startswith('+') else 'not recovered'}, {mark[1:]}"

"""`nalu bench`: fit problems with known answers, and count how many are found."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nalu_cli.commands.bench_options import (
    Csv,
    Digits,
    Factors,
    File,
    HowFar,
    Jobs,
    Limit,
    LimitOfAll,
    Noise,
    OnlyNumbers,
    Page,
    Rows,
    Seconds,
    Seeds,
    SuiteFile,
    TrainOnly,
    WholeProcess,
)
from nalu_cli.commands.options import Json, NoColor, Quiet, Version, help_text, whole_number
from nalu_cli.commands.run.bench_words import command_of, options_of, settings_of
from nalu_cli.errors import ExitCode, UsageError, quoted
from nalu_cli.settings import CellName, FitSettings

if TYPE_CHECKING:
    from nalu_cli.experiments.trial import Conditions, Trial

__all__ = ["HELP", "bench"]

HELP = help_text(
    "Fit problems with known answers and count how many are found. The answer is never shown to "
    "the fit: a found formula is compared with it afterwards.",
    "nalu bench formulas formulas.json              laws with their ranges",
    "nalu bench ops operations.json --suite NAME    one operation on columns or sums of them",
    "nalu bench powers --tables 200                 random power laws behind printed tables",
    "nalu bench compare *.csv --page RESULTS.md     results beside published ones",
    "nalu bench budgets --page BUDGETS.md           what each number of the engine is worth",
)

HELP_FORMULAS = help_text(
    "Draw the rows of every law in a file, fit them, and compare what is found with the law. A "
    "law counts as recovered when the formula is equal to it, constants included. Ctrl-C stops; "
    "with --csv the same command continues where it stopped. With --digits the tables are printed "
    "as people print them, and a formula that is equal to the law to the last digit is sharp.",
    "nalu bench formulas formulas.json --jobs 2 --csv results.csv",
    "nalu bench formulas formulas.json --set feynman --noise 0.01 --seeds 0-4",
    "nalu bench formulas formulas.json --digits 4 --rows 100",
    "nalu bench formulas fastsrb --rows 1000 --time 10",
    "nalu bench formulas formulas.json --id law_1,law_2 --json",
)

HELP_POWERS = help_text(
    "Draw random power laws of one to five columns, print their tables with three to five digits, "
    "fit them, and compare what is found with the law. A formula is sharp when every exponent and "
    "the coefficient are the law's, and recovered when it is within 1 % on rows twice as far out. "
    "Tables whose rows do not tell the law's numbers from others are counted apart.",
    "nalu bench powers --tables 200 --time 10 --jobs 2 --csv powers.csv",
    "nalu bench powers --tables 20 --seed 1 --json",
)

HELP_OPS = help_text(
    "Draw the rows of the tasks of a suite, in every range, with every operation and seed, fit "
    "them, and compare what is found with the operation. Ctrl-C stops; with --csv the same "
    "command continues where it stopped. --protocol paper trains a published cell as its papers "
    "do, on endless fresh rows for thousands of steps, and counts runs whose error is as small as "
    "that of slightly wrong weights.",
    "nalu bench ops published --suite mistry_single --seeds 0-4",
    "nalu bench ops published --suite mistry_single --protocol paper --cell nmu --ops mul",
    "nalu bench ops operations.json --suite nalu_static --ops mul,div --page RESULTS.md",
)

HELP_COMPARE = help_text(
    "Set results of nalu bench ops beside what was published: success rates with intervals, steps "
    "and sparsity error of cells trained by the published protocol, and what every cell finds in "
    "tables. Writes Markdown.",
    "nalu bench compare nmu.csv nau.csv --page RESULTS.md",
    "nalu bench compare results --page RESULTS.md",
)

HELP_BUDGETS = help_text(
    "Change the thresholds and budgets of the engine one at a time, fit the same tables each time "
    "and count what moves: laws, verdicts, seconds, or nothing. Seconds are the processor's. All "
    "of it takes hours; with --csv the same command continues where Ctrl-C stopped it.",
    "nalu bench budgets --csv budgets.csv --page BUDGETS.md",
    "nalu bench budgets --only 'snapping.beam.*' --factors 1/4,1/2,2,4",
)

DEFAULTS = FitSettings()

MOST_JOBS = 256
MOST_SEEDS = 100_000
MOST_DIGITS = 15
"""Digits that every double carries."""

bench = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@bench.callback(help=HELP)
def _bench(version: Version = False) -> None:
    """Options that stand before the kind of benchmark."""


@bench.command(help=HELP_FORMULAS, short_help="Laws with their ranges.")
def formulas(
    file: File,
    family: Annotated[
        str | None, typer.Option("--set", metavar="NAME", help="Only laws of this set.")
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(parser=whole_number, metavar="N", help="Only laws that take N layers."),
    ] = None,
    names: Annotated[
        str | None, typer.Option("--id", metavar="ID,...", help="Only these laws.")
    ] = None,
    rows: Rows = None,
    noise: Noise = 0.0,
    digits: Digits = None,
    seeds: Seeds = None,
    limit: Limit = None,
    time: Seconds = None,
    effort: HowFar = DEFAULTS.effort,
    train_only: TrainOnly = False,
    whole_process: WholeProcess = False,
    jobs: Jobs = 1,
    csv: Csv = None,
    page: Page = None,
    as_json: Json = False,
    quiet: Quiet = False,
    no_color: NoColor = False,
    version: Version = False,
) -> ExitCode:
    """Fit the laws of a file."""
    from nalu_cli.commands.run.bench_trials import Plan, output_to, run_plan
    from nalu_cli.experiments.benchmark_file import read_laws
    from nalu_cli.experiments.plan import FORMULA_TITLES, LawChoice, formula_trials

    fit = FitSettings(time_limit=time, effort=effort, train_only=train_only, threads=1)
    conditions = replace(_conditions(rows, noise, fit, whole_process), digits=_digits(digits))
    choice = LawChoice(family=family, depth=depth, names=_listed(names))
    laws = choice.of(read_laws(Path(file)))
    asked = {"--set": family, "--depth": depth, "--id": names, "--seeds": seeds, "--limit": limit}
    plan = Plan(
        kind="formulas",
        titles=FORMULA_TITLES,
        trials=_first(formula_trials(laws, _seeds(seeds or "0"), conditions), limit),
        settings=settings_of("formulas", file, conditions),
        command=command_of("formulas", file, asked, conditions),
    )
    output = output_to(csv, page, as_json=as_json, quiet=quiet, file=file)
    return run_plan(plan, _jobs(jobs), output)


@bench.command(help=HELP_POWERS, short_help="Random power laws behind printed tables.")
def powers(
    tables: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="How many laws are drawn.")
    ] = 200,
    seed: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="Laws and rows come from it.")
    ] = 0,
    time: Seconds = None,
    effort: HowFar = DEFAULTS.effort,
    jobs: Jobs = 1,
    csv: Csv = None,
    page: Page = None,
    as_json: Json = False,
    quiet: Quiet = False,
    no_color: NoColor = False,
    version: Version = False,
) -> ExitCode:
    """Fit random power laws."""
    from nalu_cli.commands.run.bench_trials import Plan, output_to, run_plan
    from nalu_cli.experiments.power_laws import POWER_TITLES, power_trials

    fit = FitSettings(time_limit=time, effort=effort, threads=1)
    conditions = _conditions(None, 0.0, fit, whole_process=False)
    _between("--tables", tables, 1, MOST_SEEDS)
    asked = {"--tables": tables, "--seed": _between("--seed", seed, 0, MOST_SEEDS)}
    output = output_to(csv, page, as_json=as_json, quiet=quiet)
    plan = Plan(
        kind="powers",
        titles=POWER_TITLES,
        trials=power_trials(tables, seed, conditions),
        settings=settings_of("powers", None, conditions),
        command=command_of("powers", None, asked, conditions),
    )
    return run_plan(plan, _jobs(jobs), output)


@bench.command(help=HELP_OPS, short_help="One operation on columns, or on sums of them.")
def ops(
    file: SuiteFile,
    suite: Annotated[str, typer.Option(metavar="NAME", help="Which suite of the file.")],
    operations: Annotated[
        str | None, typer.Option("--ops", metavar="add,mul,...", help="Only these operations.")
    ] = None,
    inputs: Annotated[
        int | None,
        typer.Option(
            parser=whole_number, metavar="N", help="Number of columns; the suite says by default."
        ),
    ] = None,
    cell: Annotated[CellName, typer.Option(help="Which cell is trained.")] = DEFAULTS.cell,
    protocol: Annotated[
        str,
        typer.Option(metavar="csv|paper", help="Rows of a table, or training as published."),
    ] = "csv",
    steps: Annotated[
        int | None,
        typer.Option(
            parser=whole_number, metavar="N", help="Fewer steps than published, with paper only."
        ),
    ] = None,
    rows: Rows = None,
    noise: Noise = 0.0,
    seeds: Seeds = None,
    limit: Limit = None,
    time: Seconds = None,
    effort: HowFar = DEFAULTS.effort,
    train_only: TrainOnly = False,
    whole_process: WholeProcess = False,
    jobs: Jobs = 1,
    csv: Csv = None,
    page: Page = None,
    as_json: Json = False,
    quiet: Quiet = False,
    no_color: NoColor = False,
    version: Version = False,
) -> ExitCode:
    """Fit the tasks of a suite."""
    from nalu_cli.commands.run.bench_trials import Plan, output_to, run_plan
    from nalu_cli.experiments.benchmark_file import read_suite
    from nalu_cli.experiments.plan import OPERATION_TITLES, operation_trials

    fit = FitSettings(time_limit=time, effort=effort, train_only=train_only, threads=1, cell=cell)
    conditions = _published(_conditions(rows, noise, fit, whole_process), protocol, steps)
    chosen = read_suite(Path(file), suite)
    trials = operation_trials(
        chosen,
        chosen.seeds if seeds is None else _seeds(seeds),
        conditions,
        operations=_listed(operations),
        inputs=_at_least("--inputs", inputs, 2),
    )
    fixed = {"--suite": suite, "--inputs": inputs}
    asked = {**fixed, "--ops": operations, "--seeds": seeds, "--limit": limit}
    plan = Plan(
        kind="ops",
        titles=OPERATION_TITLES,
        trials=_first(trials, limit),
        settings=" ".join((settings_of("ops", file, conditions), *options_of(fixed))),
        command=command_of("ops", file, asked, conditions),
    )
    output = output_to(csv, page, as_json=as_json, quiet=quiet, file=file)
    return run_plan(plan, _jobs(jobs), output)


@bench.command(help=HELP_COMPARE, short_help="Results beside published ones.")
def compare(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="Results of nalu bench ops (CSV), or folders of them."
        ),
    ],
    page: Page = None,
    version: Version = False,
) -> ExitCode:
    """Set results beside what was published."""
    from nalu_cli.commands.run.bench_trials import show_comparison

    command = ["nalu", "bench", "compare", *files, *(["--page", page] if page else [])]
    show_comparison([Path(file) for file in files], shlex.join(command), page)
    return ExitCode.DONE


@bench.command(help=HELP_BUDGETS, short_help="What each number of the engine is worth.")
def budgets(
    only: OnlyNumbers = None,
    factors: Factors = "1/2,2",
    time: LimitOfAll = 2.0,
    jobs: Jobs = 1,
    csv: Csv = None,
    page: Page = None,
    quiet: Quiet = False,
    no_color: NoColor = False,
    version: Version = False,
) -> ExitCode:
    """Change the numbers of the engine one at a time."""
    from nalu_cli.commands.run.bench_trials import output_to
    from nalu_cli.commands.run.budget_passes import (
        BudgetPlan,
        chosen_numbers,
        factors_in,
        run_budgets,
    )

    asked = {"--only": only, "--factors": factors}
    conditions = _conditions(None, 0.0, FitSettings(time_limit=time), whole_process=False)
    plan = BudgetPlan(
        numbers=chosen_numbers(only),
        factors=factors_in(factors),
        seconds=time,
        settings=settings_of("budgets", None, conditions),
        command=command_of("budgets", None, asked, conditions),
    )
    output = output_to(csv, page, as_json=False, quiet=quiet)
    return run_budgets(plan, _jobs(jobs), output)


def _conditions(
    rows: int | None, noise: float, fit: FitSettings, whole_process: bool
) -> Conditions:
    from nalu_cli.experiments.trial import Conditions

    _at_least("--rows", rows, 2)
    if not 0 <= noise <= 10:
        raise UsageError(f"--noise is {noise}", accepted="it must be 0 to 10")
    return Conditions(rows=rows, noise=noise, fit=fit, whole_process=whole_process)


def _published(conditions: Conditions, protocol: str, steps: int | None) -> Conditions:
    """The conditions with a protocol, if they go together."""
    from nalu_cli.experiments.protocol import Protocol

    if protocol not in list(Protocol):
        raise UsageError(f"--protocol is {quoted(protocol)}", accepted="it must be csv or paper")
    if protocol == Protocol.CSV:
        if steps is not None:
            raise UsageError("--steps is for --protocol paper only")
        return conditions
    if conditions.fit.cell is CellName.AUTO:
        raise UsageError(
            "--protocol paper trains a published cell, and none is named",
            remedy="Name one, for example --cell nalu.",
        )
    if conditions.options[2:]:  # after --cell NAME
        raise UsageError(
            f"--protocol paper does not go with {conditions.options[2]}",
            accepted="it goes with --cell, --steps, --ops, --inputs, --seeds and --limit",
        )
    return replace(conditions, protocol=Protocol.PAPER, steps=steps)


def _at_least(option: str, value: int | None, least: int) -> int | None:
    if value is not None and value < least:
        raise UsageError(f"{option} is {value}", accepted=f"it must be at least {least}")
    return value


def _between(option: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise UsageError(f"{option} is {value}", accepted=f"it must be {least} to {most}")
    return value


def _digits(digits: int | None) -> int | None:
    return None if digits is None else _between("--digits", digits, 1, MOST_DIGITS)


def _jobs(jobs: int) -> int:
    return _between("--jobs", jobs, 1, MOST_JOBS)


def _seeds(text: str) -> list[int]:
    """Seeds from `0,1` and `0-4`, each once."""
    seeds: dict[int, None] = {}
    for piece in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*", piece, re.ASCII)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < first + MOST_SEEDS:
            raise UsageError(
                f"--seeds is {quoted(text)}", accepted="it must be numbers such as 0,1 or 0-4"
            )
        seeds.update(dict.fromkeys(range(first, last + 1)))
    return list(seeds)


def _listed(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _first(trials: list[Trial], limit: int | None) -> list[Trial]:
    _at_least("--limit", limit, 1)
    return trials[:limit]

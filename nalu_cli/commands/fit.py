"""`nalu fit`: find the formula of a column, print it and save it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nalu_cli.commands.completion import complete_column, complete_columns
from nalu_cli.commands.options import (
    Decimal,
    Dedupe,
    Encoding,
    Json,
    Na,
    NoColor,
    NoHeader,
    Quiet,
    Sep,
    SkipBadRows,
    SkipLines,
    Thousands,
    UnitsRow,
    Version,
    help_text,
    listed_names,
    real_number,
    whole_number,
)
from nalu_cli.commands.output.pictures import Drawings, Plot, Report
from nalu_cli.errors import ExitCode, UsageError, quoted
from nalu_cli.settings import CellName, Device, Effort, FitSettings

if TYPE_CHECKING:
    from nalu_cli.answer import Answer, Progress
    from nalu_cli.commands.console.screen import Screen
    from nalu_cli.table import ReadOptions

__all__ = ["HELP", "fit"]

HELP = help_text(
    "Find the arithmetic formula behind a column of a table. The formula goes to standard "
    "output with a verdict on it; the model is saved for nalu explain and nalu "
    "predict. Ctrl-C stops and keeps the best formula so far.",
    "nalu fit data.csv --target y",
    "nalu fit data.csv -t y --ignore id,date -o law.pt",
    "nalu fit data.csv -t y --noise 0.01 --effort thorough",
    "nalu fit data.csv -t y --report law.html",
    "zcat data.csv.gz | nalu fit - -t y --json",
)


DEFAULTS = FitSettings()

ZIP_MAGIC = b"PK"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What was asked for, except the settings of the engine."""

    data: str
    target: str
    inputs: list[str] | None
    ignore: list[str]
    test: str | None
    sigma: str | None
    output: Path
    drawings: Drawings
    reading: ReadOptions
    command: tuple[str, ...]


def fit(
    context: typer.Context,
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="The table, or - for standard input.")
    ],
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            "-t",
            metavar="COLUMN",
            help="The column to explain.",
            autocompletion=complete_column,
        ),
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A,B,...",
            help="Columns the formula may use; all numeric ones by default.",
            autocompletion=complete_columns,
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A,B,...", help="Columns it may not use.", autocompletion=complete_columns
        ),
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where the model is saved.")
    ] = "model.pt",
    test: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Rows to test on, instead of the outermost ones."),
    ] = None,
    far: Annotated[
        float,
        typer.Option(
            parser=real_number,
            metavar="SHARE",
            help="Share of the rows to hold out for testing, the outermost ones.",
        ),
    ] = DEFAULTS.far_share,
    effort: Annotated[Effort, typer.Option(help="How long to search.")] = DEFAULTS.effort,
    time: Annotated[
        float | None,
        typer.Option(
            parser=real_number,
            metavar="SECONDS",
            help="Time limit; depends on the effort by default.",
        ),
    ] = DEFAULTS.time_limit,
    cell: Annotated[CellName, typer.Option(help="Which cell is trained.")] = DEFAULTS.cell,
    layers: Annotated[
        int | None,
        typer.Option(
            parser=whole_number, metavar="N", help="Train stacks of exactly N layers only."
        ),
    ] = DEFAULTS.layers,
    train_only: Annotated[
        bool, typer.Option("--train-only", help="Train stacks; solve nothing in closed form.")
    ] = DEFAULTS.train_only,
    ternary: Annotated[
        bool, typer.Option("--ternary", help="Allow no weights but -1, 0 and 1.")
    ] = DEFAULTS.ternary,
    no_constants: Annotated[
        bool, typer.Option("--no-constants", help="Allow no constants but 0 and 1.")
    ] = not DEFAULTS.constants,
    noise: Annotated[
        str,
        typer.Option(metavar="auto|LEVEL", help="Relative noise of the target, such as 0.01."),
    ] = "auto",
    sigma: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Column of standard errors of the target.",
            autocompletion=complete_column,
        ),
    ] = None,
    report: Report = None,
    plot: Plot = None,
    require_exact: Annotated[
        bool,
        typer.Option(
            "--require-exact", help="End with exit code 1 unless it is exact, or exact as printed."
        ),
    ] = False,
    seed: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="Equal seeds give equal answers.")
    ] = DEFAULTS.seed,
    device: Annotated[Device, typer.Option(help="Where to train.")] = DEFAULTS.device,
    threads: Annotated[
        int,
        typer.Option(
            parser=whole_number, metavar="N", help="Workers; the answer does not depend on them."
        ),
    ] = DEFAULTS.threads,
    sep: Sep = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    encoding: Encoding = None,
    na: Na = None,
    skip_lines: SkipLines = 0,
    no_header: NoHeader = False,
    units_row: UnitsRow = False,
    dedupe: Dedupe = False,
    skip_bad_rows: SkipBadRows = False,
    as_json: Json = False,
    quiet: Quiet = False,
    no_color: NoColor = False,
    version: Version = False,
) -> ExitCode:
    """Find the formula of a column, print it and save it."""
    settings = FitSettings(
        effort=effort,
        time_limit=time,
        cell=cell,
        layers=layers,
        train_only=train_only,
        ternary=ternary,
        constants=not no_constants,
        noise=_noise(noise),
        far_share=far,
        seed=seed,
        device=device,
        threads=threads,
    )
    from nalu_cli.commands.console.screen import Screen
    from nalu_cli.commands.run.command_line import command_words
    from nalu_cli.table import ReadOptions

    reading = ReadOptions(
        sep=sep,
        decimal=decimal,
        thousands=thousands,
        encoding=encoding,
        na=tuple(listed_names(na or [])),
        skip_lines=skip_lines,
        header=not no_header,
        units_row=units_row,
        dedupe=dedupe,
        skip_bad_rows=skip_bad_rows,
    )
    sources = [data, *filter(None, [test])]
    path = _output(output, sources)
    request = _Request(
        data=data,
        target=_target(target, data, reading),
        inputs=listed_names(inputs) if inputs else None,
        ignore=listed_names(ignore or []),
        test=test,
        sigma=sigma,
        output=path,
        drawings=Drawings.asked(report, plot, inputs=sources, outputs=[path]),
        reading=reading,
        command=command_words(context),
    )
    screen = Screen.open(quiet=quiet)
    answer, stopped = _search(request, settings, screen, as_json=as_json)
    missed = require_exact and not answer.status.is_exact
    return stopped or (ExitCode.NOT_EXACT if missed else ExitCode.DONE)


def _noise(text: str) -> float | None:
    if text.strip().lower() == "auto":
        return None
    try:
        return float(text)
    except ValueError:
        raise UsageError(
            f"--noise is {quoted(text)}", accepted="it must be auto or a number such as 0.01"
        ) from None


def _target(target: str | None, data: str, reading: ReadOptions) -> str:
    if target is not None:
        return target
    from nalu_cli.table import column_names
    from nalu_cli.table.names import listed

    names = column_names(data, reading)
    raise UsageError(
        f"no --target was given; {quoted(data)[1:-1]} has the columns {listed(names)}",
        remedy=f"Name the one to explain, for example --target {quoted(names[-1])}.",
    )


def _output(text: str, inputs: Sequence[str]) -> Path:
    if text in ("", "-"):
        raise UsageError(
            f"-o is {quoted(text)}, but a model is saved to a file", remedy="Name one: -o model.pt."
        )
    from nalu_cli.storage.whole_file import check_output, check_replaceable

    path = Path(text)
    check_output(path, inputs)
    check_replaceable(path, magic=ZIP_MAGIC, kind="model")
    return path


class _Notes:
    """Caveats on their way to stderr, each once."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._told: set[str] = set()

    def tell(self, caveats: Sequence[str]) -> None:
        """Say those that were not said yet."""
        from nalu_cli.commands.output.answer_text import caveat_lines

        new = [caveat for caveat in dict.fromkeys(caveats) if caveat not in self._told]
        self._told.update(new)
        for line in caveat_lines(new):
            self._screen.note(line)


def _search(
    request: _Request, settings: FitSettings, screen: Screen, *, as_json: bool
) -> tuple[Answer, ExitCode | None]:
    """The answer, saved and shown, and the exit code of a signal that came in the meantime."""
    from nalu_cli.commands.console.live_view import view_for
    from nalu_cli.commands.console.signals import StopRequest
    from nalu_cli.commands.output.save_and_show import conclude
    from nalu_cli.pipeline import fit_table
    from nalu_cli.table import opened_table

    view = view_for(screen)
    notes = _Notes(screen)
    with ExitStack() as files:
        table = files.enter_context(opened_table(request.data, request.reading))
        test = None
        if request.test is not None:
            test = files.enter_context(opened_table(request.test, request.reading))

        def watch(progress: Progress) -> None:
            # not before: where the table cannot be used, one sentence says so
            notes.tell(table.notes)
            view.watch(progress)

        with StopRequest(view.stopping) as stop:
            with view:
                answer = fit_table(
                    table,
                    request.target,
                    settings,
                    inputs=request.inputs,
                    ignore=request.ignore,
                    test=test,
                    sigma=request.sigma,
                    watch=watch,
                    stop=stop.asked,
                )
            answer = replace(answer, command=request.command)
            conclude(answer, request.output, request.drawings, screen, stop.asked, as_json=as_json)
            notes.tell(answer.caveats)
            _say_memory(answer, screen)
    return answer, stop.code


def _say_memory(answer: Answer, screen: Screen) -> None:
    """How much a long table took, which nobody should have to find out by running out of it."""
    from nalu_cli.answer import EVERY
    from nalu_cli.commands.console.memory import peak_memory

    peak = peak_memory()
    if EVERY in answer.errors and peak is not None:
        rows = answer.errors[EVERY].rows
        screen.note(f"{rows:,} rows read in {answer.seconds:.0f} s; {peak / 1e6:.0f} MB of memory")

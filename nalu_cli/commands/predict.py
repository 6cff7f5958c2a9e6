"""`nalu predict`: apply a formula to the rows of a file, or to a grid."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, cast

import typer

from nalu_cli.commands.completion import complete_range
from nalu_cli.commands.options import (
    Decimal,
    Dedupe,
    Encoding,
    Json,
    Model,
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
)
from nalu_cli.errors import ExitCode, UsageError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nalu_cli.answer import Answer
    from nalu_cli.commands.console.screen import Screen
    from nalu_cli.commands.output.row_writers import Sink, Writer
    from nalu_cli.commands.run.batches import Batch, Summary
    from nalu_cli.table.input_grid import Grid

__all__ = ["HELP", "predict"]

HELP = help_text(
    "Apply a formula to rows. Each row gets the predicted value and a guard: inside the box of "
    "the training rows, at its edge (at most 5 % of its width away), outside, near a pole, "
    "undefined, or missing a cell. Columns are matched by name; extra ones are kept. In a grid, "
    "columns that are not named take their training median.",
    "nalu predict model.pt new.csv",
    "nalu predict model.pt new.csv -o predicted.csv",
    "nalu predict model.pt --range x1=0:100:5 --range x2=1,2,5",
)


PACKED_ENDING = ".gz"

TAB_ENDINGS = (".tsv", ".tab")
"""Files whose cells are set apart by tabs; others keep the delimiter that the rows came with."""


def predict(
    model: Model,
    data: Annotated[
        str | None,
        typer.Argument(metavar="[DATA]", help="Rows to predict, or - for standard input."),
    ] = None,
    ranges: Annotated[
        list[str] | None,
        typer.Option(
            "--range",
            metavar="NAME=VALUES",
            help="A grid instead of a file: start:stop:step, start:stop:N# or v1,v2,...",
            autocompletion=complete_range,
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file instead.")
    ] = None,
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
    """Apply a formula to the rows of a file, or to a grid."""
    if (data is None) == (not ranges):
        raise UsageError(
            "both a file and --range were given"
            if ranges
            else "neither rows nor --range were given",
            remedy="Write nalu predict model.pt new.csv or nalu predict model.pt --range x=0:10:1.",
        )
    from nalu_cli.commands.console.screen import Screen

    # all modules before the file is written: a signal after that would deny what was done
    from nalu_cli.commands.output.answer_text import errors_lines
    from nalu_cli.commands.run.predict_rows import batches_of_file, batches_of_grid, named_grid
    from nalu_cli.storage.model_file import load_model
    from nalu_cli.storage.whole_file import check_output
    from nalu_cli.table import ReadOptions

    path = None if output in (None, "-") else Path(str(output))
    if path is not None:
        check_output(path, [model, *filter(None, [data])])
    screen = Screen.open(quiet=quiet)
    answer = load_model(model)
    fixed: Mapping[str, float] = {}
    if data is not None:
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
        batches = batches_of_file(answer, data, reading)
    else:
        grid = named_grid(answer, ranges or [], model)
        fixed = _medians(answer, grid, screen)
        batches = batches_of_grid(answer, grid, fixed)
    head = _head(answer, model, fixed, path) if as_json else None
    summary = _run(answer, batches, path, screen, head)
    screen.note(_summary_line(summary, path))
    errors = summary.errors()
    if errors is not None:
        for line in errors_lines({"with a target": errors}):
            screen.note(line)
    return ExitCode.DONE


def _head(
    answer: Answer, model: str, fixed: Mapping[str, float], path: Path | None
) -> dict[str, object]:
    from nalu_cli.commands.output.json_output import RESULT_VERSION
    from nalu_cli.expression.text import formula_text

    return {
        "nalu_result_version": RESULT_VERSION,
        "command": "predict",
        "model": model,
        "target": answer.target,
        "formula": formula_text(answer.circuit, answer.names),
        "status": answer.status.value,
        "fixed": dict(fixed),
        "output": None if path is None else str(path),
    }


def _medians(answer: Answer, grid: Grid, screen: Screen) -> dict[str, float]:
    """The training medians of the columns that the formula uses and the grid does not name."""
    from nalu_cli.commands.run.batches import used_names

    named = {axis.name for axis in grid.axes}
    median = dict(zip(answer.names, answer.median, strict=True))
    used = used_names(answer)
    fixed = {name: median[name] for name in used if name not in named}
    for name, value in fixed.items():
        screen.note(f"note: {quoted(name)} is not given; its training median {value!r} is taken")
    for axis in grid.axes:
        if axis.name not in used:
            screen.note(f"note: the formula does not depend on {quoted(axis.name)}")
    return fixed


def _run(
    answer: Answer,
    batches: Iterator[Batch],
    path: Path | None,
    screen: Screen,
    head: Mapping[str, object] | None,
) -> Summary:
    """Predict everything: rows go to the file or to stdout, JSON always to stdout."""
    from nalu_cli.commands.console.screen import OutputClosedError, StandardOutput
    from nalu_cli.commands.console.signals import StoppedError
    from nalu_cli.commands.output.failure import ReportedError, failure_of
    from nalu_cli.commands.output.row_writers import JsonWriter
    from nalu_cli.commands.run.predict_rows import predict_all

    def heard(note: str) -> None:
        screen.note(f"note: {note}")

    writer: Writer | None = None
    try:
        with _sink(path) as sink:
            writer = _writer(answer, sink, path)
            if head is not None:
                rows = None if path is None else writer
                writer = JsonWriter(answer, head, StandardOutput(), rows)
            summary = predict_all(answer, batches, writer, heard)
    except OutputClosedError:
        raise
    except (Exception, StoppedError) as error:
        if not isinstance(writer, JsonWriter):
            raise
        failure = failure_of(error)
        writer.fail(failure.as_data())
        raise ReportedError(failure) from error
    # the file has its name by now: whatever is said about it is true
    writer.close(summary)
    return summary


def _writer(answer: Answer, sink: Sink, path: Path | None) -> Writer:
    """Rows in the format that the ending of the file stands for; else as they came."""
    from nalu_cli.commands.output.row_writers import CsvWriter, ParquetWriter
    from nalu_cli.table.parquet import PARQUET_ENDINGS

    name = "" if path is None else path.name.lower().removesuffix(PACKED_ENDING)
    ending = Path(name).suffix
    if ending in PARQUET_ENDINGS:
        return ParquetWriter(answer, sink)
    return CsvWriter(answer, sink, "\t" if ending in TAB_ENDINGS else None)


@contextmanager
def _sink(path: Path | None) -> Iterator[Sink]:
    from nalu_cli.commands.console.screen import StandardOutput
    from nalu_cli.storage.whole_file import WholeFile

    if path is None:
        yield StandardOutput()
        return
    with WholeFile(path) as file:
        if path.suffix.lower() != PACKED_ENDING:
            yield file
            return
        import gzip

        # no time of day inside: equal rows make equal files
        whole = cast(IO[bytes], file)
        with gzip.GzipFile(filename="", mode="wb", fileobj=whole, mtime=0) as packed:
            yield packed


def _summary_line(summary: Summary, path: Path | None) -> str:
    counts = ", ".join(f"{n} {guard.value}" for guard, n in summary.guards.items())
    where = "" if path is None else f" written to {path}"
    rows = "1 row" if summary.rows == 1 else f"{summary.rows} rows"
    return f"{rows}{where}: {counts}" if counts else f"{rows}{where}"

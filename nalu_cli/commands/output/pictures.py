"""The files with pictures that `fit` and `explain` can write besides what they print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nalu_cli.errors import UsageError, quoted

if TYPE_CHECKING:
    from nalu_cli.answer import Answer
    from nalu_cli.commands.console.screen import Screen

__all__ = ["Drawings", "Plot", "Report"]

PAGES = ("html", "htm")
PLOTS = ("png", "svg")

Report = Annotated[
    str | None,
    typer.Option(
        "--report", metavar="FILE", help="Also write a page with formula and pictures: .html."
    ),
]
Plot = Annotated[
    str | None,
    typer.Option("--plot", metavar="FILE", help="Also write the pictures alone: .png or .svg."),
]


@dataclass(frozen=True, slots=True)
class Drawings:
    """The files that were asked for, each known to be writable.

    Parameters
    ----------
    report, plot : Path or None
    """

    report: Path | None
    plot: Path | None

    @classmethod
    def asked(
        cls,
        report: str | None,
        plot: str | None,
        *,
        inputs: Sequence[str | Path],
        outputs: Sequence[Path] = (),
    ) -> Drawings:
        """Find out before the work whether the files can be written.

        Parameters
        ----------
        report, plot : str or None
            As given on the command line.
        inputs, outputs : sequence of paths
            What else is read and written.

        Raises
        ------
        UsageError
            If a name has another suffix, or is that of another file.
        OutputError
            If a file cannot be written.
        """
        from nalu_cli.storage.whole_file import check_output

        found = cls(_file("--report", report, PAGES), _file("--plot", plot, PLOTS))
        taken = {path.resolve() for path in outputs}
        for path in filter(None, (found.report, found.plot)):
            check_output(path, inputs)
            if path.resolve() in taken:
                raise UsageError(
                    f"{quoted(str(path))} is to hold two results", remedy="Name another file."
                )
        return found

    def save(self, answer: Answer, screen: Screen) -> None:
        """Write the files and say so.

        Raises
        ------
        OutputError
            If one cannot be written after all.
        """
        for path, write in self._jobs():
            write(answer, path)
            screen.note(f"wrote {path}")

    def _jobs(self) -> list[tuple[Path, Callable[[Answer, Path], None]]]:
        if self.report is None and self.plot is None:
            return []
        # pictures take longer to import than all the rest
        from nalu_cli.report import save_plot, save_report

        jobs = ((self.report, save_report), (self.plot, save_plot))
        return [(path, write) for path, write in jobs if path is not None]


def _file(option: str, text: str | None, suffixes: Sequence[str]) -> Path | None:
    if text is None:
        return None
    path = Path(text)
    if path.suffix.lower().removeprefix(".") not in suffixes:
        raise UsageError(
            f"{option} is {quoted(text)}",
            accepted=f"the file's name must end in {' or '.join(f'.{s}' for s in suffixes)}",
        )
    return path

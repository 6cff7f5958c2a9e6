"""The figure of an experiment, in the look of the reports, as a PNG file."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure

from nalu_cli.experiments.papers.experiment import Experiment, Measurements
from nalu_cli.report.look import house_style, prepare_glyphs
from nalu_cli.storage.whole_file import WholeFile

__all__ = ["save_figure"]

SIZE = (8.0, 4.5)
"""Inches, unless the experiment sets others."""

DOTS_PER_INCH = 110


def save_figure(experiment: Experiment, measurements: Measurements, path: Path) -> None:
    """Draw the measurements.

    Parameters
    ----------
    experiment : Experiment
    measurements : sequence of Measurement
        Of a complete run.
    path : Path

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    buffer = BytesIO()
    with house_style():
        figure = Figure(figsize=SIZE, layout="constrained")
        experiment.draw(figure, measurements)
        prepare_glyphs(figure)
        figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    with WholeFile(path) as file:
        file.write(buffer.getvalue())

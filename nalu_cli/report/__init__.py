"""Stage 10: the report, one HTML page that loads nothing, and its pictures as a file."""

from nalu_cli.report.page import save_report
from nalu_cli.report.plot import PLOT_FORMATS, save_plot

__all__ = ["PLOT_FORMATS", "save_plot", "save_report"]

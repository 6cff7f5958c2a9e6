"""The report, one HTML page that loads nothing, and its pictures as a file."""

import logging

# before it is imported: it would tell whoever asks for a picture about its caches and settings
logging.getLogger("matplotlib").setLevel(logging.ERROR)

from nalu_cli.report.page import save_report  # noqa: E402
from nalu_cli.report.plot import save_plot  # noqa: E402

__all__ = ["save_plot", "save_report"]

"""How much memory the process has needed."""

from __future__ import annotations

import sys

__all__ = ["peak_memory"]


def peak_memory() -> int | None:
    """The most bytes of memory this process has held at once; None where nobody counts them."""
    try:
        from resource import RUSAGE_SELF, getrusage
    except ImportError:
        return None
    # in kilobytes, but for macOS
    return getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

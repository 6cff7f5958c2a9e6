"""How much memory the process has needed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

__all__ = ["peak_memory"]


def peak_memory() -> int | None:
    """The most bytes of memory this process has held at once; None where nobody counts them."""
    try:
        # Linux lets a program inherit in ru_maxrss what the one that started it needed
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        peak = re.search(r"^VmHWM:\s*([0-9]+) kB$", status, re.MULTILINE)
        if peak is not None:
            return int(peak[1]) * 1024
    except OSError:
        pass
    try:
        from resource import RUSAGE_SELF, getrusage
    except ImportError:
        return None
    # in kilobytes, but for macOS
    return getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

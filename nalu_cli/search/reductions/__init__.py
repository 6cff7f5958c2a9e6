"""Reductions: simpler problems made from a problem, and their solutions lifted back to it."""

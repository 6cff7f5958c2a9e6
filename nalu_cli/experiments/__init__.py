"""Suites with known answers: problems made from a seed, fitted, scored, counted."""

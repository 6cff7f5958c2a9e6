"""Strategies that look for a formula, the schedule they follow, and the climb through it."""

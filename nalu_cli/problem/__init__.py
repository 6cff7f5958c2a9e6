"""From a table to a problem: rows that train, rows held out, and facts about the columns."""

from nalu_cli.problem.problem import Box, Problem, asked_columns, pose

__all__ = ["Box", "Problem", "asked_columns", "pose"]

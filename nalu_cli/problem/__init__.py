"""From a table to a problem: rows that train, rows held out, and facts about the columns."""

from nalu_cli.problem.problem import Box, Problem, allowed_columns, pose

__all__ = ["Box", "Problem", "allowed_columns", "pose"]

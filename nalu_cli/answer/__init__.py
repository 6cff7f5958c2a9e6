"""What a fit ends with, and its words."""

from nalu_cli.answer.answer import (
    EVERY,
    Answer,
    Constant,
    Errors,
    Evidence,
    FrontEntry,
    Move,
    Points,
    Progress,
    Rival,
    Watch,
)

__all__ = [
    "EVERY",
    "Answer",
    "Constant",
    "Errors",
    "Evidence",
    "FrontEntry",
    "Move",
    "Points",
    "Progress",
    "Rival",
    "Watch",
]

"""The JSON that `--json` prints: one object, numbers or null, never NaN."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nalu_cli.answer import Answer
from nalu_cli.commands.console.memory import peak_memory
from nalu_cli.commands.options import RESULT_VERSION
from nalu_cli.exporters import latex_formula
from nalu_cli.expression.text import formula_text
from nalu_cli.snapping.gates import GATE, divided_gates
from nalu_cli.storage.plain import to_plain

__all__ = ["RESULT_VERSION", "as_json", "result", "weights"]


def as_json(data: Mapping[str, Any]) -> str:
    """One JSON object on indented lines, in ASCII, which every terminal and parser reads."""
    return json.dumps(to_plain(data), indent=2, allow_nan=False)


def result(answer: Answer, command: str, model: str | None) -> dict[str, Any]:
    """What `fit --json` and `explain --json` say about an answer.

    Parameters
    ----------
    answer : Answer
    command : str
        Who says it.
    model : str or None
        Path of the model file, if there is one.
    """
    return {
        "nalu_result_version": RESULT_VERSION,
        "command": command,
        "status": answer.status,
        "interrupted": answer.interrupted,
        "target": answer.target,
        "inputs": answer.names,
        "formula": formula_text(answer.circuit, answer.names),
        "latex": latex_formula(answer.circuit, answer.names),
        "complexity": answer.complexity,
        "constants": [to_plain(constant) for constant in answer.constants],
        "errors": {name: to_plain(errors) for name, errors in answer.errors.items()},
        "noise": answer.noise,
        "precision": {name: to_plain(printed) for name, printed in answer.precision.items()},
        "front": _front(answer),
        "rivals": _rivals(answer),
        "snap": _snap(answer),
        "found_by": answer.evidence.found_by,
        "layers": len(answer.circuit.layers),
        "restarts": answer.evidence.restarts,
        "caveats": answer.caveats,
        "seconds": round(answer.seconds, 3),
        "memory_bytes": peak_memory(),
        "seed": answer.settings.seed,
        "device": answer.settings.device,
        "versions": answer.versions,
        "model": model,
    }


def weights(answer: Answer) -> dict[str, Any]:
    """What `explain --stack --json` says besides: every gate and weight of the stack."""
    return {"stack": [to_plain(move) for move in answer.evidence.moves]}


def _front(answer: Answer) -> list[dict[str, Any]]:
    return [
        {
            "formula": formula_text(entry.circuit, answer.names),
            "complexity": entry.complexity,
            "far_rmse": entry.far_rmse,
        }
        for entry in answer.front
    ]


def _rivals(answer: Answer) -> list[dict[str, Any]]:
    return [
        {
            "formula": formula_text(rival.circuit, answer.names),
            "complexity": rival.complexity,
            "point": {answer.names[j]: x for j, x in zip(rival.columns, rival.point, strict=True)},
            "value": rival.value,
            "rival_value": rival.rival_value,
        }
        for rival in answer.rivals
    ]


def _snap(answer: Answer) -> dict[str, Any]:
    moves = answer.evidence.moves
    gates = sum(move.source == GATE for move in moves)
    return {
        "weights": len(moves) - gates,
        "gates": gates,
        "divided_gates": len(divided_gates(moves)),
        "largest_move": max((abs(m.trained - m.snapped) for m in moves), default=None),
        "constants_left": len(answer.constants),
    }

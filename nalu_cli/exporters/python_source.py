"""The formula as an importable Python module that needs only numpy."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterator, Sequence

from nalu_cli.circuit import Circuit
from nalu_cli.constants import literal
from nalu_cli.exporters.exporter import Exporter
from nalu_cli.expression import Column, Magnitude, Node, Number, Product, Sum, expression_of
from nalu_cli.formula import Dialect, Level, Piece, write
from nalu_cli.settings import ExportFormat

__all__ = ["PYTHON_SOURCE", "identifiers"]

TAKEN = frozenset({"np", "predict", "COLUMNS", "TARGET", "abs", "float"})
LONGEST = 40

MODULE = '''"""A formula found by nalu."""

import numpy as np

# The argument of predict that stands for each column, and the column that is computed.
COLUMNS = {columns}
TARGET = {target}


def predict({arguments}):
    """Compute the target from numbers or arrays; NaN where the formula is undefined."""
{conversions}    with np.errstate(all="ignore"):
        return {formula}
'''


def _export(circuit: Circuit, names: Sequence[str], target: str) -> str:
    tree = expression_of(circuit)
    # a wide table may have a thousand columns of which three matter
    used = sorted({node.index for node in _nodes(tree) if isinstance(node, Column)})
    safe = dict(zip(used, identifiers([names[j] for j in used]), strict=True))
    indices = [str(j) for j in range(len(names))]
    dialect = _dialect({str(j): name for j, name in safe.items()}, tree)
    converted = "".join(f"    {n} = np.asarray({n}, dtype=np.float64)\n" for n in safe.values())
    return MODULE.format(
        columns=_dict_source([(name, names[j]) for j, name in safe.items()]),
        target=ascii(target),
        arguments=", ".join(safe.values()),
        conversions=converted,
        formula=write(tree, indices, dialect),
    )


def _dict_source(items: Sequence[tuple[str, str]]) -> str:
    # !a leaves no character that could end the string, the line or the file
    lines = "".join(f'    "{safe}": {name!a},\n' for safe, name in items)
    return f"{{\n{lines}}}" if items else "{}"


def identifiers(names: Sequence[str]) -> list[str]:
    """Distinct Python identifiers for column names, equal to the names where they can be."""
    chosen: list[str] = []
    kept = {name for name in names if _is_safe(name)}
    for name in names:
        base = name if name in kept else _identifier(name)
        candidate, k = base, 2
        while candidate in chosen or (candidate in kept and candidate != name):
            candidate, k = f"{base}_{k}", k + 1
        chosen.append(candidate)
    return chosen


def _is_safe(name: str) -> bool:
    # Python reads identifiers in normal form; names with two underscores can mean something
    return (
        name.isidentifier()
        and unicodedata.is_normalized("NFKC", name)
        and not keyword.iskeyword(name)
        and not name.startswith("__")
        and name not in TAKEN
    )


def _identifier(name: str) -> str:
    words = re.sub(r"[^0-9A-Za-z]+", "_", name).strip("_")[:LONGEST]
    if not words:
        return "column"
    return words if _is_safe(words) else f"column_{words}"


def _dialect(names: dict[str, str], tree: Node) -> Dialect:
    # plain numbers that could not be multiplied out, such as 1/0, raise in Python, not in numpy
    has_loose_numbers = any(
        isinstance(inner, Number)
        for node in _nodes(tree)
        if isinstance(node, Product)
        for inner, _ in node.factors
    )
    return Dialect(
        name=names.__getitem__,
        number=_numpy_number if has_loose_numbers else literal,
        pi="np.pi",
        sqrt=lambda piece: Piece(f"np.sqrt({piece.text})", Level.ATOM),
        magnitude=lambda piece: Piece(f"np.abs({piece.text})", Level.ATOM),
    )


def _numpy_number(value: float) -> str:
    return f"np.float64({literal(value)})"


def _nodes(tree: Node) -> Iterator[Node]:
    yield tree
    match tree:
        case Magnitude(inner):
            yield from _nodes(inner)
        case Sum(terms, _):
            for _, node in terms:
                yield from _nodes(node)
        case Product(factors, _):
            for node, _ in factors:
                yield from _nodes(node)


PYTHON_SOURCE = Exporter(ExportFormat.PYTHON, is_executable=True, export=_export)

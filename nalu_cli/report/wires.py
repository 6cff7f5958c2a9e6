"""The stack as a graph in rows: columns, then each layer, with wires past the layers between."""

from __future__ import annotations

from dataclasses import dataclass

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.circuit.validity import parts
from nalu_cli.expression.text import exponent_text

__all__ = ["MOST_SLOTS", "Graph", "Slot", "Wire", "graph_of", "weight_text"]

MOST_SLOTS = 12
"""Places side by side in one row; what is wider is not drawn."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a row.

    Parameters
    ----------
    unit : Unit or None
        None for a column, or for a wire that passes by.
    column : int or None
        The column that starts here or passes by.
    x : float
        Where it is, 0 for the middle of the row.
    """

    unit: Unit | None
    column: int | None
    x: float


@dataclass(frozen=True, slots=True)
class Wire:
    """A connection from a slot of a row to one of the next; without a weight it only passes by."""

    row: int
    start: int
    end: int
    term: Term | None


@dataclass(frozen=True, slots=True)
class Graph:
    """Rows of slots, columns first and the answer last, and the wires between them."""

    rows: tuple[tuple[Slot, ...], ...]
    wires: tuple[Wire, ...]

    @property
    def width(self) -> int:
        """Slots in the widest row."""
        return max(map(len, self.rows))


Key = tuple[str, int]
"""What stands in a slot: ("unit", its index in the layer) or ("column", its index)."""


def graph_of(circuit: Circuit) -> Graph | None:
    """The graph of all units the answer depends on.

    Returns
    -------
    Graph or None
        None if a row would have more than `MOST_SLOTS` slots.
    """
    live = [[i for k, i in parts(circuit) if k == layer] for layer in range(len(circuit.layers))]
    keys = [_columns_needed(circuit, live, 0)]
    for k, units in enumerate(live):
        passing = _columns_needed(circuit, live, k + 1)
        keys.append([*(("unit", i) for i in units), *passing])
    if max(map(len, keys)) > MOST_SLOTS:
        return None
    links = [_links(circuit, k, keys[k], keys[k + 1]) for k in range(len(live))]
    orders = _orders(keys, links)
    rows = tuple(
        tuple(_slot(circuit, k, key, j, len(order)) for j, key in enumerate(order))
        for k, order in enumerate(orders)
    )
    wires = [
        Wire(k, orders[k].index(start), orders[k + 1].index(end), term)
        for k, layer in enumerate(links)
        for start, end, term in layer
    ]
    return Graph(rows, tuple(wires))


def _columns_needed(circuit: Circuit, live: list[list[int]], first: int) -> list[Key]:
    """Columns that some layer reads, from the given one on."""
    found: set[int] = set()
    for k in range(first, len(circuit.layers)):
        width = len(circuit.layers[k - 1]) if k else 0
        for i in live[k]:
            sources = (term.source for term in circuit.layers[k][i].terms)
            found |= {source - width for source in sources if source >= width}
    return [("column", j) for j in sorted(found)]


Link = tuple[Key, Key, Term | None]


def _links(circuit: Circuit, layer: int, before: list[Key], after: list[Key]) -> list[Link]:
    width = len(circuit.layers[layer - 1]) if layer else 0
    links: list[Link] = []
    for key in after:
        if key[0] == "column":
            links.append((key, key, None))
            continue
        for term in circuit.layers[layer][key[1]].terms:
            is_unit = term.source < width
            start = ("unit", term.source) if is_unit else ("column", term.source - width)
            links.append((start, key, term))
    return links


def _orders(keys: list[list[Key]], links: list[list[Link]]) -> list[list[Key]]:
    """Each row ordered by the middle of what it reads, so that few wires cross."""
    orders = [keys[0]]
    for row, layer in zip(keys[1:], links, strict=True):
        place = {key: _x(j, len(orders[-1])) for j, key in enumerate(orders[-1])}
        middle: dict[Key, float] = {}
        for key in row:
            starts = [place[start] for start, end, _ in layer if end == key]
            middle[key] = sum(starts) / len(starts) if starts else 0.0
        orders.append(sorted(row, key=lambda key: (middle[key], key)))
    return orders


def _x(index: int, count: int) -> float:
    return index - (count - 1) / 2


def _slot(circuit: Circuit, row: int, key: Key, index: int, count: int) -> Slot:
    x = _x(index, count)
    if key[0] == "column":
        return Slot(None, key[1], x)
    return Slot(circuit.layers[row - 1][key[1]], None, x)


def weight_text(unit: Unit, term: Term) -> str:
    """What a wire says: the factor of a term, or the exponent of a factor."""
    if unit.kind is not UnitKind.SUM:
        return _shown_exponent(term)
    sign = "−" if term.weight < 0 else "+"
    return sign + (f"{term.constant:.3g}" if term.constant != 1 else "1")


def _shown_exponent(term: Term) -> str:
    """Halves as fractions, others as in the formula."""
    text = str(term.weight) if term.weight.denominator == 2 else exponent_text(term.weight)
    return text.replace("-", "−")

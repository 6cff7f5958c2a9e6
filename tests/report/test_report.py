"""The report: every fact on one page that loads nothing, whatever names and numbers it is given."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from answers import LENS_CIRCUIT, lens, of, points, product, total
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from strategies import AWKWARD_NAMES, circuits, named_circuits

from nalu_cli.answer import EVERY, Answer, Constant, Errors, Evidence, FrontEntry, Move, Rival
from nalu_cli.circuit import Circuit, Term, Unit, UnitKind, exponent_of
from nalu_cli.circuit.validity import parts
from nalu_cli.errors import visible
from nalu_cli.report import save_plot, save_report
from nalu_cli.report.look import scale_of, tick_text
from nalu_cli.report.page import report_page
from nalu_cli.report.wires import MOST_SLOTS, graph_of, weight_text
from nalu_cli.settings import Status
from nalu_cli.storage.model_file import save_model

DAY = date(2026, 11, 21)
SLOW = settings(max_examples=10, deadline=None)


class Page(HTMLParser):
    """What a page holds: its tags with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


WORDS = (
    "html head meta link title style body header main section h1 h2 h3 p span strong div pre code "
    "ul li footer figure figcaption table thead tbody tr th td dl dt dd details summary "
    "math mrow mi mn mo mtext mfrac msqrt msub msup "
    "svg g defs path use text tspan clippath rect"
)
TAGS = set(WORDS.split(" "))
"""No script, image, frame, form or link that leads anywhere."""


def opened(answer: Answer) -> Page:
    """The page of an answer, once it is known to load and run nothing."""
    page = Page(report_page(answer, DAY))
    assert {tag for tag, _ in page.tags} <= TAGS
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes), tag
        for name in ("href", "src", "xlink:href", "action"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,")), attributes
    return page


def far_rows(circuit: Circuit, n: int = 60, scale: float = 1.0) -> dict[str, object]:
    """Points all over, some of them measured with an error."""
    rng = np.random.default_rng(5)
    X = rng.normal(0, scale, (n, circuit.n_columns))
    measured = np.nan_to_num(circuit.evaluate(X), nan=1.0, posinf=2.0, neginf=-2.0)
    return {"points": points(circuit, X, measured + rng.normal(0, 0.1, n))}


def test_every_fact_is_on_the_page() -> None:
    rival = Rival(Circuit(3, ((total((0, 1)),),)), 1, (0, 1, 2), (9.0, 2.0, 0.5), 1.3846, 3.5)
    errors = lens().errors | {EVERY: Errors(100_000, 1e-9, 1e-9, 1.0)}
    text = opened(lens(interrupted=True, rivals=(rival,), errors=errors)).text
    for fact in (
        "exact Agrees to rounding on all 100000 rows.",
        "f = d1*d2/(d1*n + d2)",
        "train 765 3.1 × 10⁻¹⁶ 8.9 × 10⁻¹⁷ 1",
        "1 − 2 × 10⁻¹⁶",
        "far (held out) 150 3.3 × 10⁻¹⁶ – – extrapolation",
        "0.5 – 1/2 0.01",
        "0.7310585786300049 0.001",
        "column 'id' was left out",
        "The search was stopped early",
        "Found in the stage “trained sum-product”, after 128 random starts, in 1.2 s.",
        "1 u1_1 = d1*n product –",
        "3 f = u2_2/u2_1 product –",
        "The formula was rewritten after the weights were snapped.",
        "1 d1 0.980000 1 1 × 10⁻⁹",
        "1 gate 0.010000 0 inf",
        "2 unit 2 −1.200000 −1 0",
        "d2 1 2.75 5",
        "holds: 2 to 30 divides by zero",
        "all (the whole table) 100000",
        "d1 = 9, d2 = 2, n = 0.5 1.385 3.5",
        "nalu fit 'lens table.csv' --target f",
        "seed 7",
        "noise 0.25",
        "numpy 2.4.6",
        "2026-11-21",
        r"f = \frac{d_{1} \, d_{2}}{d_{1} \, n + d_{2}}",
    ):
        assert fact in text, fact


def test_every_picture_is_drawn_and_says_what_it_shows() -> None:
    page = opened(lens())
    pictures = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(pictures) == 7
    assert all(len(str(picture["aria-label"])) > 40 for picture in pictures)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    known = {f"#{i}" for i in ids}
    used = {attributes["xlink:href"] for tag, attributes in page.tags if tag == "use"}
    assert used <= known


def test_colours_follow_the_page() -> None:
    drawn = "".join(re.findall(r"<svg.*?</svg>", report_page(lens(), DAY), re.DOTALL))
    assert "var(--train)" in drawn
    assert re.findall(r"#[0-9a-f]{6}\b", drawn) == []


@pytest.mark.parametrize(
    "name",
    [
        *("<script>alert(1)</script>", "</style><img src=x onerror=alert(1)>", "a$b^$", "_hidden"),
        *(
            "{{ 7*7 }}",
            "&lt;",
            "\"'><svg onload=x>",
            "温度",
            "\x00\x1b[31m",
            "\u202eabc",
            "x" * 5000,
        ),
        *("--><!--", "]]>", "url(#x)", "var(--ink)", "#2468b0", "𝔘", "\ud800", "a\nb", "é" * 300),
    ],
)
def test_names_stay_names(name: str) -> None:
    circuit = Circuit(2, ((total((0, 1), (1, -1)),),))
    moves = (Move(0, 0, name, 0.9, 1.0, 0.1),)
    answer = of(
        circuit,
        (name, "other"),
        f"{name}!",
        caveats=(name,),
        evidence=Evidence(name, 3, moves),
        command=("nalu", "fit", name),
        versions={name: name},
        **far_rows(circuit),
    )
    page = opened(answer)
    assert visible(name)[:30].strip() in page.text.replace("  ", " ") or "\n" in name


@SLOW
@given(named_circuits(), st.sampled_from(Status), st.floats(1e-300, 1e300))
def test_any_formula_has_a_page(named, status: Status, scale: float) -> None:
    circuit, names, target = named
    front = (
        FrontEntry(circuit, 9, 0.0),
        FrontEntry(circuit, 12, None),
        FrontEntry(circuit, 1, 2.0),
    )
    opened(of(circuit, names, target, status=status, front=front, **far_rows(circuit, 9, scale)))


MANY = 1000
WIDE = Circuit(
    MANY, ((Unit(UnitKind.SUM, tuple(Term(j, Fraction(1)) for j in range(MANY)), 0.0),),)
)
TARGETS: dict[str, np.ndarray] = {
    "constant": np.full(40, 3.0),
    "zero": np.zeros(40),
    "huge": np.linspace(1e299, 1.7e308, 40),
    "tiny": np.linspace(5e-324, 1e-300, 40),
    "over 600 decades": np.logspace(-300, 300, 40),
    "both signs": 1e308 * np.linspace(-1, 1, 40),
    "one row": np.array([2.0]),
}
PREDICTED: dict[str, float | None] = {
    "equal": None,
    "nan": np.nan,
    "inf": np.inf,
    "-inf": -np.inf,
    "far off": 1e307,
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("predicted", PREDICTED)
def test_any_numbers_can_be_drawn(target: str, predicted: str) -> None:
    measured = TARGETS[target]
    value = measured.copy()
    if PREDICTED[predicted] is not None:
        value[::3] = PREDICTED[predicted]
    n = len(measured)
    circuit = Circuit(1, ((product((0, 1)),),))
    drawn = points(circuit, measured[:, None], measured)
    drawn = type(drawn)(
        drawn.columns, drawn.X, measured, value, np.linspace(0, 1e9, n), np.arange(n) % 3
    )
    answer = of(circuit, ("x",), points=drawn, status=Status.WITHIN_NOISE)
    page = opened(answer)
    crosses = "has no value" if predicted != "far off" else ""
    assert (crosses in page.text) == (predicted != "equal") or predicted == "far off"


@pytest.mark.parametrize(
    ("circuit", "says"),
    [
        (Circuit(1, ((product(scale=2.5),),)), "y = 2.5"),
        (Circuit(1, ((total((0, 1), offset=1e-300),),)), "1 × 10⁻³⁰⁰"),
        (WIDE, "too wide to be drawn"),
    ],
)
def test_odd_formulas_have_a_page(circuit: Circuit, says: str) -> None:
    names = tuple(f"column {j} {'long ' * 20}" for j in range(circuit.n_columns))
    constants = tuple(Constant(v, None, None, v) for v in (1e-300, 2.0))
    answer = of(circuit, names, constants=constants, errors={"train": Errors(0, None, None, None)})
    assert says in opened(answer).text


def test_a_constant_has_no_box_to_be_far_from() -> None:
    circuit = Circuit(1, ((product(scale=2.5),),))
    text = opened(of(circuit, ("x",), **far_rows(circuit))).text
    assert "Predicted against measured" in text
    assert "Error farther out" not in text


def test_an_answer_without_points_has_a_page() -> None:
    text = opened(of(LENS_CIRCUIT, ("d1", "d2", "n"))).text
    assert "The formula against the table" not in text
    assert "The stack" in text


def test_a_sample_of_the_rows_is_called_one() -> None:
    errors = {"train": Errors(10_000, 0.1, 0.1, 0.9), "far": Errors(1, 0.1, 0.1, 0.9)}
    text = opened(lens(errors=errors)).text
    assert "train: 2 of 10000 rows drawn" in text
    assert "a random sample is drawn, plus the rows with the largest errors" in text
    assert "random sample" not in opened(lens(errors={"train": Errors(2, 0.1, 0.1, 0.9)})).text


def test_a_picture_has_marks_for_the_rows_of_each_set(tmp_path: Path) -> None:
    save_plot(lens(**far_rows(LENS_CIRCUIT)), tmp_path / "plot.png")
    colours = Image.open(tmp_path / "plot.png").convert("RGB").getcolors(1 << 24)
    assert colours is not None
    many = {colour for count, colour in colours if count > 50}
    assert {(0x24, 0x68, 0xB0), (0xCC, 0x4E, 0x0C)} <= many


def test_equal_answers_give_equal_files(tmp_path: Path) -> None:
    one, other = tmp_path / "one.svg", tmp_path / "other.svg"
    save_plot(lens(), one)
    save_plot(lens(), other)
    assert one.read_bytes() == other.read_bytes()
    ET.fromstring(one.read_bytes())
    assert report_page(lens(), DAY) == report_page(lens(), DAY)


def test_a_report_is_written_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "law.html"
    path.write_text("old", encoding="utf-8")
    save_report(lens(), path)
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [file.name for file in tmp_path.iterdir()] == ["law.html"]


def test_the_user_s_own_style_plays_no_part(tmp_path: Path) -> None:
    save_model(lens(), tmp_path / "model.pt")
    (tmp_path / "matplotlibrc").write_text("text.parse_math: True\nfigure.dpi: 7\nfoo: bar\n")
    command = [sys.executable, "-W", "error", "-m", "nalu_cli", "explain", "model.pt"]
    done = subprocess.run(
        [*command, "--report", "law.html", "--plot", "law.svg", "--quiet"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "MPLCONFIGDIR": "/nowhere/at/all", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("d1*d2/(d1*n + d2)\n", "")
    save_plot(lens(), tmp_path / "other.svg")
    assert (tmp_path / "law.svg").read_bytes() == (tmp_path / "other.svg").read_bytes()


def test_a_report_after_the_fact_needs_no_torch(tmp_path: Path) -> None:
    save_model(lens(), tmp_path / "model.pt")
    code = """
import sys
from nalu_cli.commands import app
assert app.run(["explain", "model.pt", "--report", "law.html", "--plot", "law.svg", "-q"]) == 0
assert not {"torch", "pandas", "sympy", "matplotlib.pyplot"} & set(sys.modules)
"""
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, timeout=120
    )
    assert io.BytesIO((tmp_path / "law.html").read_bytes()).read(15) == b"<!DOCTYPE html>"


@given(circuits())
def test_the_stack_has_every_live_unit_and_every_weight_once(circuit: Circuit) -> None:
    graph = graph_of(circuit)
    assert graph is not None
    assert graph.width <= MOST_SLOTS
    live = [circuit.layers[k][i] for k, i in parts(circuit)]
    drawn = [slot.unit for row in graph.rows for slot in row if slot.unit is not None]
    assert sorted(map(repr, drawn)) == sorted(map(repr, live))
    wires = [wire for wire in graph.wires if wire.term is not None]
    assert len(wires) == sum(len(unit.terms) for unit in live)
    assert {slot.column for slot in graph.rows[0]} == set(circuit.used_columns())
    for wire in graph.wires:
        start, end = graph.rows[wire.row][wire.start], graph.rows[wire.row + 1][wire.end]
        assert wire.term is not None or (start.column, start.unit) == (end.column, None)


def test_a_wire_into_a_product_says_the_exponent() -> None:
    exponents = (Fraction(-3, 2), Fraction(4, 5), Fraction(-2, 3), exponent_of(0.7983417))
    unit = Unit(UnitKind.PRODUCT, tuple(Term(j, e) for j, e in enumerate(exponents)), 1.0)
    shown = [weight_text(unit, term) for term in unit.terms]
    assert shown == ["−3/2", "0.8", "−2/3", "0.7983417"]


@given(st.lists(st.floats(allow_subnormal=True), min_size=1))
def test_scaled_numbers_fit_an_axis(values: list[float]) -> None:
    numbers = np.array(values)
    scaled = scale_of(numbers).apply(numbers)
    finite = np.isfinite(numbers)
    assert np.isfinite(scaled[finite]).all()
    largest = np.abs(scaled[finite]).max(initial=0.0)
    assert largest == 0 or 1e-3 <= largest < 1e5 or scale_of(numbers).is_log
    assert (np.diff(scaled[finite][np.argsort(numbers[finite])]) >= 0).all()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (1000.0, "1000"),
        (0.001, "0.001"),
        (2e5, "2·10⁵"),
        (1e-16, "10⁻¹⁶"),
        (5e-9, "5·10⁻⁹"),
    ],
)
def test_ticks_read_as_numbers(value: float, text: str) -> None:
    assert tick_text(value) == text


def test_letters_no_font_has_are_written_out(tmp_path: Path) -> None:
    names = [name for name in AWKWARD_NAMES if not name.isidentifier() or not name.isascii()]
    circuit = Circuit(len(names), ((total(*((j, 1) for j in range(8))),),))
    answer = of(circuit, tuple(names), "温度\U0001d518", **far_rows(circuit, 5))
    drawn = answer.points
    for start in range(0, len(names) - 8, 16):
        columns = tuple(range(start, start + 8))
        kept = replace(drawn, columns=columns, X=drawn.X[:, list(columns)])
        save_plot(replace(answer, points=kept), tmp_path / "plot.png")

"""Laws all exporters keep: names stay names, and what can be run computes what the circuit does."""

from __future__ import annotations

import ast
import json
import math
import random
import re
import xml.etree.ElementTree as ET
from fractions import Fraction

import pytest
from exact import attempt, is_tame, same_inputs, value_of
from hypothesis import given, settings
from latex_reader import read_latex
from matplotlib.mathtext import MathTextParser
from strategies import AWKWARD_NAMES, named_circuits

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind, exponent_of
from nalu_cli.exporters import EXPORTERS, circuit_from_json
from nalu_cli.exporters.latex import GREEK, latex_formula, latex_names
from nalu_cli.exporters.mathml import mathml_equation, mathml_formula, mathml_names
from nalu_cli.settings import ExportFormat

LAW = settings(max_examples=100, deadline=None)


def sum_of_all(n: int) -> Circuit:
    return Circuit(n, ((Unit(UnitKind.SUM, tuple(Term(j, Fraction(1)) for j in range(n)), 0.5),),))


def test_every_format_has_an_exporter() -> None:
    assert set(EXPORTERS) == set(ExportFormat)
    assert all(format is exporter.format for format, exporter in EXPORTERS.items())


@LAW
@given(named_circuits())
def test_every_exporter_writes_every_circuit(case) -> None:
    circuit, names, target = case
    for exporter in EXPORTERS.values():
        text = exporter.export(circuit, names, target)
        assert text.endswith("\n")
        assert exporter.export(circuit, names, target) == text


@LAW
@given(named_circuits())
def test_one_line_formats_stay_on_one_line(case) -> None:
    circuit, names, target = case
    for format in (ExportFormat.TEXT, ExportFormat.LATEX, ExportFormat.MATHML):
        assert len(EXPORTERS[format].export(circuit, names, target).splitlines()) == 1


@LAW
@given(named_circuits())
def test_json_comes_back_as_the_same_circuit(case) -> None:
    circuit, names, target = case
    text = EXPORTERS[ExportFormat.JSON].export(circuit, names, target)
    assert circuit_from_json(text) == circuit
    document = json.loads(text)
    assert (tuple(document["names"]), document["target"]) == (names, target)


@LAW
@given(named_circuits(fewest_terms=1))
def test_latex_is_balanced_and_escaped(case) -> None:
    text = EXPORTERS[ExportFormat.LATEX].export(*case)
    bare = re.sub(r"\\[{}$&#%_]", "", text)
    assert not set("$&#%~") & set(bare)
    depth = 0
    for char in bare:
        depth += {"{": 1, "}": -1}.get(char, 0)
        assert depth >= 0
    assert depth == 0
    commands = set(re.findall(r"\\([A-Za-z]+)", bare))
    known = {"frac", "sqrt", "left", "right", "times", "pi", "text", "mathrm"}
    assert commands <= known | {"backslash", "sim", "wedge"} | GREEK


@LAW
@given(named_circuits(fewest_terms=1))
def test_latex_reads_back_as_the_same_formula(case) -> None:
    circuit, names, _ = case
    formula = read_latex(latex_formula(circuit, names), latex_names(names))
    live = same_inputs(circuit)
    rng = random.Random(3)
    for _ in range(3):
        point = [rng.choice((-1, 1)) * rng.uniform(0.3, 3.0) for _ in names]
        if is_tame(live, point):
            expected = attempt(lambda p: value_of(live, p), point)
            found = attempt(formula, point)
            assert (found is None) == (expected is None)
            assert found is None or math.isclose(found, expected, rel_tol=1e-11)


@settings(max_examples=40, deadline=None)
@given(named_circuits(fewest_terms=1))
@pytest.mark.filterwarnings("ignore:.*glyph")
def test_latex_is_rendered(case) -> None:
    rendered(EXPORTERS[ExportFormat.LATEX].export(*case))


def rendered(latex: str) -> None:
    """Set in type by matplotlib, which raises on what it does not understand."""
    drawn = MathTextParser("path").parse(f"${latex.strip()}$")
    assert drawn.width > 0


@pytest.mark.filterwarnings("ignore:.*glyph")
@pytest.mark.parametrize("name", AWKWARD_NAMES, ids=ascii)
def test_awkward_names_are_rendered_under_an_exponent(name: str) -> None:
    (latex,) = latex_names([name])
    rendered(f"{latex}^{{2}}")


@pytest.mark.parametrize("format", [ExportFormat.PYTHON, ExportFormat.NUMPY])
def test_a_module_holds_nothing_but_the_formula(format: ExportFormat) -> None:
    n = len(AWKWARD_NAMES)
    tree = ast.parse(EXPORTERS[format].export(sum_of_all(n), AWKWARD_NAMES, "os.system('ls')"))
    kinds = [type(statement).__name__ for statement in tree.body]
    assert kinds == ["Expr", "Import", "Assign", "Assign", "FunctionDef"]


def test_latex_names_stay_distinct() -> None:
    assert len(set(latex_names(AWKWARD_NAMES))) == len(AWKWARD_NAMES)
    assert latex_names(["x1", "x_1", "m_e", "alpha", "speed", "v_max"]) == [
        *(r"\text{x1}", r"\text{x\_1}", "m_{e}", r"\alpha", r"\mathrm{speed}", r"v_{\mathrm{max}}")
    ]


def test_latex_reads_as_mathematics() -> None:
    half = Unit(UnitKind.PRODUCT, (Term(0, Fraction(1)), Term(1, Fraction(2))), 0.5)
    root = Unit(UnitKind.MAGNITUDE, (Term(0, Fraction(1, 2)), Term(2, Fraction(-1))), 6.674e-11)
    circuit = Circuit(2, ((half,), (root,)))
    text = EXPORTERS[ExportFormat.LATEX].export(circuit, ["m", "v"], "E")
    assert text == (
        r"E = \frac{6.674 \times 10^{-11} \, \sqrt{\frac{\left|m\right| \, v^{2}}{2}}}"
        r"{\left|v\right|}" + "\n"
    )


MATHML_NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"
ELEMENTS = {"math", "mrow", "mi", "mn", "mo", "mtext", "mfrac", "msqrt", "msub", "msup"}
CHILDREN = {"mfrac": 2, "msub": 2, "msup": 2}


@LAW
@given(named_circuits())
def test_mathml_is_well_formed_and_names_stay_text(case) -> None:
    tree = ET.fromstring(EXPORTERS[ExportFormat.MATHML].export(*case))
    for element in tree.iter():
        kind = element.tag.removeprefix(MATHML_NAMESPACE)
        assert kind in ELEMENTS
        assert len(element) == CHILDREN.get(kind, len(element))
        assert not (len(element) and (element.text or "").strip())
        assert not (element.tail or "").strip()
    assert set(tree.attrib) == {"display"}


@LAW
@given(named_circuits())
def test_an_equation_in_parts_is_the_equation(case) -> None:
    def text(markup: str) -> str:
        return re.sub(r"<[^>]*>", "", markup).replace(" ", "").strip()

    assert text(mathml_equation(*case)) == text(EXPORTERS[ExportFormat.MATHML].export(*case))
    assert text(mathml_equation(*case)).endswith(text(mathml_formula(*case[:2])))


def test_mathml_reads_as_mathematics() -> None:
    half = Unit(UnitKind.PRODUCT, (Term(0, Fraction(1)), Term(1, Fraction(2))), 0.5)
    shown = mathml_formula(Circuit(2, ((half,),)), ["m", "v"])
    tree = ET.fromstring(shown.replace("&#x2062;", ""))
    ((over, under),) = tree
    assert ["".join(part.itertext()) for part in (over, under)] == ["mv2", "2"]
    assert len(set(mathml_names(AWKWARD_NAMES))) == len(AWKWARD_NAMES)
    assert mathml_names(["m_e", "lambda", "speed", "<b>"]) == [
        *("<msub><mi>m</mi><mi>e</mi></msub>", "<mi>λ</mi>", "<mi>speed</mi>"),
        "<mtext>&lt;b&gt;</mtext>",
    ]


def test_exponents_are_written_as_in_the_text() -> None:
    exponents = (Fraction(4, 5), Fraction(2, 3), Fraction(3, 2), exponent_of(0.7983417))
    terms = tuple(Term(j, e) for j, e in enumerate(exponents))
    circuit = Circuit(4, ((Unit(UnitKind.PRODUCT, terms, 1.0),),))
    written = {
        ExportFormat.TEXT: "a**0.8*b**(2/3)*c**1.5*d**0.7983417",
        ExportFormat.LATEX: r"a^{0.8} \, b^{2/3} \, c^{3/2} \, d^{0.7983417}",
        ExportFormat.C: "pow(a, 0.8)*pow(b, 0.6666666666666666)*pow(sqrt(c), 3.0)*pow(d, 0.79",
        ExportFormat.NUMPY: "a**0.8*b**0.6666666666666666*np.sqrt(c)**3*d**0.7983417",
        ExportFormat.SYMPY: "a**Rational(4, 5)*b**Rational(2, 3)*sqrt(c)**3*d**0.7983417",
        ExportFormat.EXCEL: "A2^0.8*B2^(0.666666666666667-3E-16)*SQRT(C2)^3*D2^0.7983417",
    }
    for format, text in written.items():
        assert text in EXPORTERS[format].export(circuit, "abcd", "y"), format
    shown = mathml_formula(circuit, "abcd")
    assert "<mn>0.8</mn>" in shown
    assert "<mrow><mn>2</mn><mo>/</mo><mn>3</mn></mrow>" in shown


def test_no_spreadsheet_takes_the_cube_root_of_a_negative_number() -> None:
    cube_root = Circuit(1, ((Unit(UnitKind.PRODUCT, (Term(0, Fraction(1, 3)),), 1.0),),))
    assert "SQRT(A2)^" in EXPORTERS[ExportFormat.EXCEL].export(cube_root, "x", "y")


def test_words_are_kept_apart() -> None:
    both = Circuit(
        2, ((Unit(UnitKind.PRODUCT, (Term(0, Fraction(1)), Term(1, Fraction(1))), 1.0),),)
    )
    assert "&#x22C5;" in mathml_formula(both, ["mass", "speed"])
    assert "&#x22C5;" not in mathml_formula(both, ["m", "v_0"])


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[]", "{}", '{"format": "nalu circuit", "version": 2}', "[" * 100_000],
)
def test_json_that_is_no_circuit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        circuit_from_json(text)

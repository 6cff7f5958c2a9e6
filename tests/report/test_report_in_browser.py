"""The report as a browser shows it: all is drawn and legible, nothing is asked of the network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from answers import LENS_CIRCUIT, lens, of, points, product, total
from playwright.sync_api import BrowserContext, Page, sync_playwright

from nalu_cli.answer import Answer
from nalu_cli.circuit import Circuit
from nalu_cli.report import save_report
from nalu_cli.settings import Status

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
PHONE, DESK = 375, 1280


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A browser with a profile of its own."""
    if CHROMIUM is None:
        # on one's own machine it is a choice, where the tests are decisive it is not
        assert "CI" not in os.environ, "chromium is not installed"
        pytest.skip("chromium is not installed, and reports are looked at in it")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=CHROMIUM,
            headless=True,
            args=ARGUMENTS,
        )
        yield context
        context.close()


@dataclass
class Opened:
    """A page, what it said on the console, and what it asked for besides itself."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


def opened(browser: BrowserContext, answer: Answer, folder: Path, width: int = DESK) -> Opened:
    path = folder / "law.html"
    save_report(answer, path)
    page = browser.new_page()
    found = Opened(page)
    page.on("console", lambda message: found.said.append(message.text))
    page.on("pageerror", lambda error: found.said.append(str(error)))
    page.on("request", lambda request: found.asked.append(request.url))
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(path.as_uri())
    assert found.asked == [path.as_uri()]
    assert found.said == []
    return found


def noisy(**changes: object) -> Answer:
    """The lens with an error in each row."""
    rng = np.random.default_rng(2)
    X = rng.uniform(1, 5, (200, 3))
    measured = LENS_CIRCUIT.evaluate(X) * rng.normal(1, 0.01, len(X))
    kept = points(LENS_CIRCUIT, X, measured)
    return lens(**({"status": Status.WITHIN_NOISE, "noise": 0.01, "points": kept} | changes))


LONG = "speed of the wind, measured at the mast behind the barn [m/s] " * 8
SUM = Circuit(30, ((total(*((j, 1) for j in range(30)), offset=0.731058578630049),),))
ROWS = np.random.default_rng(3).normal(0, 1, (40, 30))
MANY = of(
    SUM,
    tuple(f"{LONG}{j}" for j in range(30)),
    LONG,
    points=points(SUM, ROWS, SUM.evaluate(ROWS) + 0.1),
)
HOSTILE = of(
    Circuit(1, ((product((0, 0.5)),),)),
    ("<script>document.title = 'run'</script>",),
    "<img src=https://example.org/x onerror=alert(1)>",
    caveats=("</li><iframe src=https://example.org>",),
    command=("nalu", "fit", "<script>document.title = 'run'</script>"),
)
ANSWERS = {
    "exact": lens(),
    "noisy": noisy(),
    "none": noisy(status=Status.NONE, caveats=("the residuals are not noise",), command=()),
    "constant": of(Circuit(1, ((product(scale=2.5),),)), ("x",)),
    "long": MANY,
    "hostile": HOSTILE,
}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_picture_and_formula_has_a_size(
    name: str, browser: BrowserContext, tmp_path: Path
) -> None:
    page = opened(browser, ANSWERS[name], tmp_path).page
    assert page.title() != "run"
    # what is folded away has no size
    page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
    for kind in ("svg", "math", "h1", "table"):
        shown = page.locator(kind)
        assert shown.count() or (name, kind) == ("long", "math")
        for k in range(shown.count()):
            box = shown.nth(k).bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) > 3, (kind, k)


def test_the_marks_of_all_rows_lie_in_their_picture(
    browser: BrowserContext, tmp_path: Path
) -> None:
    page = opened(browser, noisy(), tmp_path).page
    picture = page.locator("svg").first
    frame = picture.bounding_box()
    assert frame is not None
    marks = picture.locator("use")
    boxes = marks.evaluate_all("all => all.map(e => e.getBoundingClientRect().toJSON())")
    assert len(boxes) >= 200
    for box in boxes:
        assert frame["x"] <= box["left"] <= box["right"] <= frame["x"] + frame["width"] + 1
        assert max(box["width"], box["height"]) > 0


@pytest.mark.parametrize("name", ANSWERS)
def test_a_phone_need_not_scroll_sideways(
    name: str, browser: BrowserContext, tmp_path: Path
) -> None:
    page = opened(browser, ANSWERS[name], tmp_path, PHONE).page
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    sizes = page.locator("svg text").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect().height)"
    )
    # of a line of text, a fifth of which is space
    assert all(size >= 7 for size in sizes)


CONTRAST = """colours => {
  const light = c => {
    const [r, g, b] = c.match(/[0-9.]+/g).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [a, b] = colours.map(light);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""
"""The contrast of two colours as WCAG 2 defines it; 4.5 is enough for text, 3 for marks."""

COLOUR = "(e, what) => getComputedStyle(e)[what]"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_is_legible_in_light_and_in_the_dark(
    scheme: str, browser: BrowserContext, tmp_path: Path
) -> None:
    page = opened(browser, noisy(), tmp_path).page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    paper = page.locator("body").evaluate(COLOUR, "backgroundColor")
    texts = page.locator("h1, p, td, th, figcaption, .copy, dt, dd, footer")
    for colour in set(texts.evaluate_all("all => all.map(e => getComputedStyle(e).color)")):
        assert page.evaluate(CONTRAST, [colour, paper]) >= 4.5
    marks = page.locator("svg use, svg text, svg path").evaluate_all(
        "all => all.map(e => getComputedStyle(e)).map(s => s.stroke == 'none' ? s.fill : s.stroke)"
    )
    seen = {mark for mark in marks if mark.startswith("rgb")}
    contrasts = {mark: page.evaluate(CONTRAST, [mark, paper]) for mark in seen}
    assert sum(contrast >= 3 for contrast in contrasts.values()) >= 5
    badge = page.locator(".badge")
    colours = [badge.evaluate(COLOUR, what) for what in ("color", "backgroundColor")]
    assert page.evaluate(CONTRAST, colours) >= 4.5
    dark = page.evaluate(CONTRAST, [paper, "rgb(0, 0, 0)"]) < 3
    assert dark == (scheme == "dark")


def test_paper_is_white_and_holds_everything(browser: BrowserContext, tmp_path: Path) -> None:
    page = opened(browser, noisy(), tmp_path).page
    page.emulate_media(color_scheme="dark", media="print")
    paper = page.locator("body").evaluate(COLOUR, "backgroundColor")
    assert page.evaluate(CONTRAST, [paper, "rgb(0, 0, 0)"]) > 19
    printed = page.pdf(format="A4")
    assert printed.startswith(b"%PDF")
    page.set_viewport_size({"width": 700, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= 700

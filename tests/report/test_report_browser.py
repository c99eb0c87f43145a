"""What only a browser can tell: that nothing runs off the page, overlaps, loads or runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
STUDIES = (
    "thyroid_study",
    "wide_study",
    "middling_study",
    "no_gain_study",
    "many_arms_study",
    "bare_study",
    "curves_study",
    "wide_curves_study",
)

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="no browser at /usr/bin/chromium")

SHOWN = """
const charts = [...document.querySelectorAll('.chart svg')].filter(svg => svg.getClientRects().length);
const texts = svg => [...svg.querySelectorAll('text')];
"""
# Pairs of texts within a chart whose boxes overlap by more than a hair.
OVERLAPS = f"""() => {{ {SHOWN}
  const found = [];
  for (const svg of charts) {{
    const boxes = texts(svg).map(node => [node.textContent, node.getBoundingClientRect()]);
    for (let i = 0; i < boxes.length; i++) for (let j = 0; j < i; j++) {{
      const [a, b] = [boxes[i][1], boxes[j][1]];
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 1 && down > 3) found.push([boxes[j][0], boxes[i][0], across, down]);
    }}
  }}
  return found;
}}"""
# Size in pixels of the smallest text in a chart.
SMALLEST = f"""() => {{ {SHOWN}
  const scale = svg => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  return Math.min(...charts.flatMap(svg =>
    texts(svg).map(node => parseFloat(getComputedStyle(node).fontSize) * scale(svg))));
}}"""
# How far a text of a chart sticks out of the page.
OUTSIDE = f"""() => {{ {SHOWN}
  const width = document.documentElement.clientWidth;
  return Math.max(...charts.flatMap(texts).map(node => node.getBoundingClientRect())
    .map(box => Math.max(box.right - width, -box.left)));
}}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def addresses(pages: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("report")
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in pages}


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_page_fits_and_is_inert(browser: Any, addresses: dict[str, str], name: str, theme: str) -> None:
    context = browser.new_context(color_scheme=theme)
    page = context.new_page()
    events: list[str] = []
    page.on("request", lambda request: events.append(request.url))
    page.on("dialog", lambda dialog: (events.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: events.append(message.text))
    page.goto(addresses[name])
    for width in (320, 400, 700, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        assert page.evaluate(OVERLAPS) == [], width
        assert page.evaluate(SMALLEST) >= 8.5, width
        assert page.evaluate(OUTSIDE) <= 0, width
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 27)"
    assert dark == (theme == "dark")
    assert events == [addresses[name]]
    context.close()


def test_keyboard_reaches_the_verdict_and_the_tables(browser: Any, addresses: dict[str, str]) -> None:
    page = browser.new_page(viewport={"width": 400, "height": 900})
    page.goto(addresses["thyroid_study"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the verdict"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left >= 0")
    page.focus(".scroll")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.scroll').scrollLeft > 0")
    page.close()


def test_charts_take_the_colours_of_the_theme(browser: Any, addresses: dict[str, str]) -> None:
    seen = {}
    for theme in ("light", "dark"):
        page = browser.new_page(color_scheme=theme)
        page.goto(addresses["thyroid_study"])
        seen[theme] = page.evaluate(
            "[...new Set([...document.querySelectorAll('.chart svg.wide text')]"
            ".map(node => getComputedStyle(node).fill))].sort()"
        )
        page.close()
    assert not set(seen["light"]) & set(seen["dark"])

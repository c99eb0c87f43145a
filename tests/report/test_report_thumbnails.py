from __future__ import annotations

import io

from html_checks import Page
from PIL import Image
from sample_studies import small_study

from steelyard.report.page import render_report
from steelyard.report.thumbnails import Example, ExampleGroup


def picture():
    out = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(out, "JPEG")
    return out.getvalue()


def groups():
    nasty = Example('<b>&"x"</b>.jpg', "<i>rare</i>", "<i>rare</i>", "com&mon", picture())
    text = Example("notes/a.txt", "rare", "common", "rare", text="<script>alert(1)</script>")
    return [ExampleGroup("won", 7, [nasty]), ExampleGroup("lost", 1, [text])]


def test_files_are_shown_in_a_valid_page_that_loads_nothing():
    page = Page(render_report(small_study(), groups()))
    (image,) = page.all("img")
    assert image["alt"] == '<b>&"x"</b>.jpg'
    assert image["src"].startswith("data:image/jpeg;base64,")
    assert page.all("script") == []
    assert "Won: 7 files, 1 shown" in page.text()
    assert "Lost: 1 file" in page.text()
    assert "<i>rare</i>, before taken for com&mon" in page.text()
    assert "rare, now taken for common" in page.text()
    assert {"href": "#examples"} in page.all("a")


def test_a_table_has_no_files():
    assert "examples-title" not in render_report(small_study())

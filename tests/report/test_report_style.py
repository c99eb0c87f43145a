"""Contrast of the colours against the bounds of WCAG 2.2 (1.4.3 text 4.5:1, 1.4.11 graphics 3:1)."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from steelyard.report.charts.svg import PALETTE

CSS = resources.files("steelyard.report").joinpath("report.css").read_text("utf-8")


def _themes() -> dict[str, dict[str, str]]:
    blocks = re.findall(r":root\s*\{(.*?)\}", CSS, re.DOTALL)
    return {
        name: dict(re.findall(r"--([\w-]+):\s*([^;]+);", block))
        for name, block in zip(("light", "dark", "print"), blocks, strict=True)
    }


def _rgb(text: str) -> tuple[float, ...]:
    if not text.startswith("#"):
        return tuple(float(part) / 255 for part in text.split())
    digits = text[1:] if len(text) == 7 else "".join(2 * digit for digit in text[1:])
    return tuple(int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4))


def _luminance(rgb: tuple[float, ...]) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


THEMES = _themes()


def test_contrast_is_the_published_one() -> None:
    assert _contrast(_rgb("#000"), _rgb("#fff")) == pytest.approx(21)
    assert _contrast(_rgb("#777777"), _rgb("#ffffff")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
def test_text_can_be_read(theme: str) -> None:
    colours = {name: _rgb(value) for name, value in THEMES[theme].items()}
    for text in ("ink", "muted", "gain", "loss", "same", "few"):
        for ground in ("ground", "surface", "soft", "code"):
            assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    # Counts stand on a cell shaded up to .9.
    for shade in ("right", "wrong"):
        for share in (0.0, 0.3, 0.6, 0.9):
            cell = tuple(
                share * top + (1 - share) * below for top, below in zip(colours[shade], colours["surface"], strict=True)
            )
            assert _contrast(colours["ink"], cell) >= 4.5, (shade, share)


@pytest.mark.parametrize("theme", THEMES)
def test_marks_can_be_told_from_the_ground(theme: str) -> None:
    colours = {name: _rgb(value) for name, value in THEMES[theme].items()}
    for mark in ("bar", "faint", "gain", "loss", "same", "few"):
        assert _contrast(colours[mark], colours["ground"]) >= 3.0, mark


def test_charts_and_page_agree_on_the_colours() -> None:
    for colour, variable in PALETTE.items():
        assert THEMES["light"][variable.removeprefix("--")] == colour
        assert variable.removeprefix("--") in THEMES["dark"]

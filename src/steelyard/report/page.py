"""The page itself: the view and its charts put into the template, and the file written in one step."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steelyard.errors import UsageError
from steelyard.files import write_text
from steelyard.report import words
from steelyard.report.thumbnails import ExampleGroup
from steelyard.report.view import build_view

if TYPE_CHECKING:
    from jinja2 import Environment

_FILTERS = (
    "number",
    "change",
    "interval",
    "change_interval",
    "whole",
    "percent",
    "seconds",
    "ratio",
    "significant",
    "quoted",
    "heading",
    "breakable",
)
#: Rows of a per-class table; past that the middle is left out, so that a page stays a page.
LONGEST_TABLE = 200


def render_report(study: Mapping[str, Any], examples: Sequence[ExampleGroup] = ()) -> str:
    """Report of a study as one complete HTML document.

    The page loads nothing from anywhere, runs no script, and escapes every text that comes from the data.

    Parameters
    ----------
    study : mapping
        What ``study.json`` holds. Optional parts may be absent: their section is left out. A number that is
        None is shown as undefined.
    examples : sequence of ExampleGroup
        Files to show, where the study is of a collection.

    Returns
    -------
    str
        HTML, to be saved as UTF-8.

    Raises
    ------
    DataError
        When a part that every study has (``data``, ``metric``, ``arms``, ``verdict``) is missing.

    Examples
    --------
    >>> arm = {"id": "a", "strategy": "uniform", "model": "linear", "score": 0.5, "ci": [0.4, 0.6]}
    >>> page = render_report({
    ...     "data": {"path": "pets.csv", "rows": 3, "classes": [{"name": "<cat>", "count": 2}]},
    ...     "metric": "macro_f1", "baseline": "a", "arms": [arm], "winner": None,
    ...     "verdict": {"kind": "no_gain", "text": "Nothing beats doing nothing."},
    ... })
    >>> page.startswith("<!doctype html>"), "&lt;cat&gt;" in page, "<cat>" in page
    (True, True, False)
    """
    from markupsafe import Markup

    from steelyard.report.charts import all_charts

    view = build_view(study)
    style = resources.files("steelyard.report").joinpath("report.css").read_text("utf-8")
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(view=view, charts=all_charts(view), style=Markup(style), longest_table=LONGEST_TABLE, examples=examples)
    )
    # Half a surrogate pair can come out of a JSON file and cannot go into a UTF-8 one.
    return page.encode("utf-8", "replace").decode("utf-8")


def write_report(study: Mapping[str, Any], path: str | os.PathLike[str], examples: Sequence[ExampleGroup] = ()) -> Path:
    """Report of a study as a file, which is there whole or not at all.

    Parameters
    ----------
    study : mapping
        What ``study.json`` holds.
    path : path
        Where to write; a file that is there is replaced.
    examples : sequence of ExampleGroup
        Files to show, where the study is of a collection.

    Returns
    -------
    pathlib.Path
        The path written to.

    Raises
    ------
    UsageError
        When the folder does not exist.
    DataError
        When a part that every study has is missing.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise UsageError(f"cannot write the report to {target}: the folder {target.parent} does not exist; create it")
    write_text(target, render_report(study, examples))
    return target


@cache
def load_ahead() -> None:
    """Load and compile what a report is drawn with: a second or two that can pass beside other work."""
    from steelyard.report.charts.canvas import load_drawing

    load_drawing()
    for part in resources.files("steelyard.report").iterdir():
        if part.name.endswith(".j2"):
            _environment().get_template(part.name)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folder = resources.files("steelyard.report")
    environment = Environment(
        loader=FunctionLoader(lambda name: folder.joinpath(name).read_text("utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({name: getattr(words, name) for name in _FILTERS})
    environment.globals.update(several=words.several, shorten=words.shorten, listing=words.listing, quoted=words.quoted)
    return environment

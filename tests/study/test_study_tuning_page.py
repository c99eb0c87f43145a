"""The page on searching: its snippets run in order, and its table is the one of the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from steelyard import registry

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "tuning.md").read_text(encoding="utf-8")


def test_snippets_run() -> None:
    names: dict[str, Any] = {}
    for snippet in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(snippet, names)
    assert [search["fold"] for search in names["searched"]["searches"]] == [0, 1, 2, 3, None]
    assert names["result"].trials["arm"].unique().len() == 2
    assert set(names["clf"].tuning_[0]["values"]) == {"linear.C"}


def test_every_range_is_in_the_table() -> None:
    lines = {match[1]: match[2] for match in re.finditer(r"^\| `(\w+)` \| (`\w+` .*) \|$", PAGE, re.MULTILINE)}
    declared = {
        name: list(cls.ranges)
        for kind in ("weighting", "loss", "sampling", "labelling", "adjustment", "decision", "model")
        for name, cls in registry.components(kind).items()
        if cls.ranges and cls.__module__.startswith("steelyard.")
    }
    assert {name: re.findall(r"`(\w+)`", text) for name, text in lines.items()} == declared

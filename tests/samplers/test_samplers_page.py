"""The user page's snippets run in order."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "samplers.md"


def test_snippets_run(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    names: dict[str, Any] = {}
    for snippet in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(snippet, names)
    assert "realised" in capsys.readouterr().out
    assert len(names["rest"]) == 11 - 4
    assert names["audit"].draws == 3

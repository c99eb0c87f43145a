"""The complete scripts on the user pages run as they stand, and the rare classes are found."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
pytestmark = pytest.mark.filterwarnings("default")


def run_script(page: str) -> dict[str, Any]:
    text = (DOCS / page).read_text(encoding="utf-8").split("## A complete script")[1]
    (script,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(script, page, "exec"), names)
    return names


def test_transformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    monkeypatch.chdir(tmp_path)
    names = run_script("integrations-transformers.md")
    assert "eval_recall_threat" in capsys.readouterr().out
    evaluated = names["trainer"].state.log_history[-1]
    # The model that answers "other" always has a macro recall of 1/3.
    assert evaluated["eval_macro_recall"] > 0.6


def test_lightning(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("lightning")
    names = run_script("integrations-lightning.md")
    assert "weights at the end" in capsys.readouterr().out
    assert len(names["schedule"].history) == 8
    assert names["trainer"].callback_metrics["val_macro_recall"] > 0.6

"""The user pages' scripts run, from the repository's folder as a reader would run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("page", "needs", "said"),
    [
        ("lightgbm", "lightgbm", r"do_nothing +balanced accuracy 0\.\d+"),
        ("xgboost", "xgboost", r"do_nothing +balanced accuracy 0\.\d+"),
        ("scikit-learn", "pandas", r"balanced accuracy 0\.9\d+"),
    ],
)
def test_scripts_run(page: str, needs: str, said: str, tmp_path: Path) -> None:
    pytest.importorskip(needs)
    text = (ROOT / "docs" / f"integrations-{page}.md").read_text(encoding="utf-8")
    script = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(said, done.stdout), done.stdout

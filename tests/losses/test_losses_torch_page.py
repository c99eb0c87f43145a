"""The user page's snippets run in order, on names that the reader has already."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "losses.md"


def test_snippets_run() -> None:
    draw = torch.Generator().manual_seed(0)
    y = torch.tensor([0] * 50 + [1] * 10 + [2] * 4)
    X = torch.randn(64, 20, generator=draw) + 4 * torch.eye(3, 20)[y]
    data = torch.utils.data.TensorDataset(X, y)
    model = torch.nn.Linear(20, 3)
    names: dict[str, Any] = {
        "y_train": y.numpy(),
        "loader": torch.utils.data.DataLoader(data, batch_size=32),
        "micro_batches": [(X[:40], y[:40]), (X[40:], y[40:])],
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
    }
    snippets = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for snippet in snippets:
        # What the page shows with a name made by an earlier snippet is run as it stands.
        exec(snippet, names)
    recall = [(names["model"](X).argmax(1) == k)[y == k].double().mean().item() for k in range(3)]
    assert min(recall) > 0.5
    assert names["schedule"].weights_at(15).tolist() == [1, 1, 1]
    assert names["loss"].weight[2] > names["loss"].weight[0]

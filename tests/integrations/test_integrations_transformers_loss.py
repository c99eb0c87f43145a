"""The loss function by itself: items, unknown labels, the order of classes, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
transformers = pytest.importorskip("transformers")


import steelyard as sy  # noqa: E402
from steelyard.errors import DataError, UsageError  # noqa: E402
from steelyard.integrations.transformers import loss_function  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")


Z, Y1 = torch.zeros(4, 3), torch.tensor([0, 1, 2, -100])


def test_num_items_in_every_form() -> None:
    loss = loss_function("inverse", {"a": 8, "b": 4, "c": 1})
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    own = loss((z,), Y1)
    for items in (3, torch.tensor(3), torch.tensor(3.0), torch.tensor([[3], [3]])):
        torch.testing.assert_close(loss({"logits": z}, Y1, num_items_in_batch=items), own)
    torch.testing.assert_close(loss((z,), Y1, num_items_in_batch=6), own / 2)
    assert loss((z,), torch.full((4,), -100), num_items_in_batch=torch.tensor(0)).item() == 0


def test_unknown_labels_are_nan_or_ignored() -> None:
    Y = torch.tensor([[1.0, 0, 0], [0, 1, 1], [0, 0, float("nan")], [1, float("nan"), 0]])
    loss = loss_function("inverse", Y.numpy())
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    ignored = Y.nan_to_num(nan=-100)
    torch.testing.assert_close(loss((z,), ignored), loss((z,), Y))
    torch.testing.assert_close(loss((z,), ignored.long()), loss((z,), Y))
    torch.testing.assert_close(loss((z,), ignored, num_items_in_batch=10), loss((z,), Y))
    with pytest.warns(UserWarning, match="which the Trainer counts as items"):
        assert loss((z,), Y, num_items_in_batch=12) < loss((z,), Y)


@pytest.mark.filterwarnings("ignore:1 of 3 classes:UserWarning")
def test_counts_come_into_the_models_order() -> None:
    weights = sy.class_weights({"a": 8, "b": 4, "c": 1})
    for counts, id2label in (
        ({"a": 8, "b": 4, "c": 1}, {0: "c", 1: "a", 2: "b"}),
        ({1: 8, 2: 4, 0: 1}, {"0": "c", "1": "a", "2": "b"}),
    ):
        loss = loss_function("inverse", counts, id2label)
        assert loss.classes == ("c", "a", "b")
        assert loss.loss.weight.tolist() == pytest.approx([weights["c"], weights["a"], weights["b"]])
    assert loss_function("inverse", {"a": 8, "b": 4}, ["a", "new", "b"]).counts.counts.tolist() == [8, 0, 4]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: loss_function("balanced", {"a": 1, "b": 1}), UsageError, "mix TrainerMixin into the Trainer"),
        (lambda: loss_function("logit_adjusted", np.eye(3)), UsageError, "is for one label a row, but the counts"),
        (lambda: loss_function("inverse", {"a": 1, "b": 1}, ["LABEL_0", "LABEL_1"]), DataError, "no class called a, b"),
        (lambda: loss_function("inverse", {"a": 1, "b": 1})((Z,), Y1), UsageError, "2 classes that were counted"),
        (lambda: loss_function("inverse", np.eye(3))((Z,), Y1), UsageError, "many labels a row"),
        (lambda: loss_function("inverse", {"a": 1, "b": 1})((Z,), None), UsageError, "the batch has no labels"),
    ],
)
def test_bad_input(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_what_training_cannot_do_is_said() -> None:
    with pytest.warns(UserWarning, match=r"training does not do the decision threshold.* steelyard.decisions"):
        loss_function("inverse + threshold", {"a": 1, "b": 3})
    with pytest.warns(UserWarning, match=r"training does not do the adjustment unweight.* steelyard.adjustments"):
        loss_function("inverse + unweight", {"a": 1, "b": 3})


def test_without_transformers_the_extra_is_named() -> None:
    code = "import sys; sys.modules['transformers'] = None; import steelyard as sy; sy.integrations.transformers"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'steelyard[text]'" in done.stderr

"""What is wrong is said in one line: what, where, what to do."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from steelyard.errors import DataError, UsageError  # noqa: E402
from steelyard.losses import (  # noqa: E402
    LDAM,
    Asymmetric,
    BinaryCrossEntropy,
    CostSensitive,
    CrossEntropy,
    Dice,
    Focal,
    FocalTversky,
    LogitAdjusted,
    Poly,
    SigmoidFocal,
    SuspectedRare,
    Tversky,
)

NAN = math.nan
Z = torch.zeros(2, 3)
Y = torch.tensor([0, 2])
L = torch.zeros(2, 3)

ARGUMENTS: list[tuple[Callable[[], Any], str]] = [
    (lambda: CrossEntropy([1.0, -2.0]), r"weight must be finite and not below 0, but entry 1 is -2"),
    (lambda: CrossEntropy([1.0, NAN]), r"weight must be finite .* entry 1 is nan"),
    (lambda: BinaryCrossEntropy(pos_weight=[1.0, math.inf]), r"pos_weight must be finite .* entry 1 is inf"),
    (lambda: CrossEntropy([0.0, 0.0]), "weight is 0 for every class"),
    (lambda: CrossEntropy(torch.ones(2, 2)), r"one number for each class, not the shape \(2, 2\)"),
    (lambda: CrossEntropy(["a"]), "weight must be numbers"),
    (lambda: CrossEntropy({"a": 1.0, "b": 2.0}), "class indices 0 to 1 as keys"),
    (lambda: CrossEntropy(reduction="average"), "reduction must be one of 'mean'"),
    (lambda: CrossEntropy(label_smoothing=1.5), "label_smoothing must not be below 0 and not above 1"),
    (lambda: CrossEntropy(dtype=torch.float16), r"dtype must be torch.float32 or torch.float64"),
    (lambda: Focal(-1.0), "gamma must be finite and not below 0"),
    (lambda: SigmoidFocal([1.0, -1.0]), "gamma must be finite and not below 0, but entry 1"),
    (lambda: SigmoidFocal(2.0, alpha=0.25, weight=[1.0]), "alpha and weight are both given"),
    (lambda: SigmoidFocal(2.0, alpha=1.5), "alpha must be between 0 and 1"),
    (lambda: Asymmetric(gamma_neg=-1), "gamma_neg must not be below 0"),
    (lambda: Asymmetric(clip=1), "clip must be below 1"),
    (lambda: Poly(-2), "epsilon must not be below -1"),
    (lambda: LogitAdjusted([1, 2], tau=-1), "tau must not be below 0"),
    (lambda: LogitAdjusted([1, -2]), "counts must be finite and not below 0"),
    (lambda: LDAM([0, 0]), "0 for every class"),
    (lambda: LDAM([1, 2], max_margin=-1), "max_margin must not be below 0"),
    (lambda: CostSensitive([[1.0, 2.0]]), r"square matrix, not of shape \(1, 2\)"),
    (lambda: CostSensitive([[1.0, NAN], [0.0, 0.0]]), "finite entries"),
    (lambda: Dice(smooth=0), "smooth must be above 0"),
    (lambda: Dice(activation="tanh"), "'softmax' or 'sigmoid'"),
    (lambda: Dice(per="image"), "'example' or 'batch'"),
    (lambda: Tversky(0, 0), "alpha and beta are both 0"),
    (lambda: FocalTversky(gamma=0), "gamma must be above 0"),
    (lambda: SuspectedRare(CrossEntropy(), []), "rare_classes is empty"),
    (lambda: CrossEntropy()(Z, Y, num_items=0), "num_items must be above 0"),
    (lambda: CrossEntropy()(Z, Y, num_items=torch.ones(2)), "num_items must be one number"),
    (lambda: CrossEntropy(reduction="sum")(Z, Y, num_items=5), "num_items divides a mean, but reduction is 'sum'"),
    (lambda: CrossEntropy()(Z.long(), Y), "logits must be floating-point"),
    (lambda: CrossEntropy(class_dim=2)(Z, Y), r"logits of shape \(2, 3\) have no dimension 2"),
    (lambda: CrossEntropy()(Z, Y[:1]), r"target has shape \(1,\), but logits of shape \(2, 3\).* shape \(2,\)"),
    (lambda: CrossEntropy()(Z, Z.long()), "must be floating-point"),
    (lambda: CrossEntropy()(Z, torch.zeros(2, 2)), r"probabilities need the logits' \(2, 3\)"),
    (lambda: CrossEntropy([1.0, 2.0])(Z, Y), "weight has 2 entries, but the logits have 3 classes"),
    (lambda: Focal([1.0, 2.0])(Z, Y), "gamma has 2 entries, but the logits have 3 classes"),
    (lambda: LogitAdjusted([1, 2])(Z, Y), "counts has 2 entries"),
    (lambda: CostSensitive(torch.zeros(2, 2))(Z, Y), "cost has 2 classes, but the logits have 3"),
    (lambda: BinaryCrossEntropy()(Z, Y), r"target has shape \(2,\), but labels .* need the logits' \(2, 3\)"),
    (lambda: BinaryCrossEntropy([1.0, 2.0])(Z, L), "weight has 2 entries"),
    (lambda: BinaryCrossEntropy([1.0, 2.0])(Z[:, 0], L[:, 0]), "have one label"),
    (lambda: BinaryCrossEntropy()(Z, L, torch.ones(2)), r"give it the shape \(2, 1\)"),
    (lambda: CrossEntropy(class_dim=-1)(Z[None], Y[None], torch.ones(1)), r"give it the shape \(1, 1\)"),
    (
        lambda: CrossEntropy()(Z, Y, torch.ones(3)),
        r"shape \(3,\), but the examples have shape \(2,\)",
    ),
    (lambda: CrossEntropy()(Z, Y, torch.tensor([1.0, -1.0])), r"sample_weight must be finite .* \[1\] is -1"),
    (lambda: CrossEntropy()(Z, Y, torch.tensor([1.0, NAN])), r"sample_weight must be finite .* \[1\] is nan"),
    (lambda: CrossEntropy()(Z, Y, torch.ones(2, requires_grad=True)), "no gradient flows to weights"),
    (lambda: CrossEntropy()(Z, Z.softmax(1).requires_grad_()), r"target.detach\(\)"),
    (lambda: Dice()(Z, Y), "examples, classes and places"),
    (lambda: Dice(per="batch")(Z[None], Y[None, :1].expand(1, 3), num_items=3), "do not add up"),
]

DATA: list[tuple[Callable[[], Any], str]] = [
    (lambda: CrossEntropy()(Z, torch.tensor([0, 3])), r"target\[1\] is 3, but the logits have 3 classes"),
    (lambda: CrossEntropy()(Z, torch.tensor([-1, 0])), r"target\[0\] is -1"),
    (lambda: Dice()(torch.zeros(1, 2, 2, 2), torch.tensor([[[0, 1], [5, 0]]])), r"target\[0, 1, 0\] is 5"),
    (lambda: CrossEntropy()(Z, torch.tensor([[1.5, -0.5, 0], [0, 0, 1]])), r"target\[0, 1\] is -0.5"),
    (lambda: CrossEntropy()(Z, torch.tensor([[0.0, 1, 0], [1, 1, 1]])), r"example \[1\] sums to 3"),
    (lambda: BinaryCrossEntropy()(Z, torch.tensor([[0.0, 1, 0], [0, 0, 2]])), r"target\[1, 2\] is 2"),
    (lambda: BinaryCrossEntropy()(Z, torch.tensor([[0.0, NAN, 0], [0, 0, 2]])), r"target\[1, 2\] is 2"),
    (lambda: SigmoidFocal()(Z, torch.tensor([[0, 1, 0], [0, 0, -1]])), r"target\[1, 2\] is -1"),
]


@pytest.mark.parametrize(("call", "message"), ARGUMENTS, ids=[message[:40] for _, message in ARGUMENTS])
def test_wrong_arguments(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("call", "message"), DATA, ids=[message[:40] for _, message in DATA])
def test_wrong_data(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)

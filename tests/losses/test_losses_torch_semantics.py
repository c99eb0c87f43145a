"""Promises about weights and losses, each against torch where torch is right, and by hand where it is not."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from losses_torch_cases import generator, gradient  # noqa: E402
from torch.nn import functional  # noqa: E402

import steelyard as sy  # noqa: E402
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

pytestmark = pytest.mark.usefixtures("device")


def rand(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=generator(seed))


def test_the_articles_number() -> None:
    logits, target = torch.tensor([[2.5, 0.3], [0.1, 1.0], [3.2, 0.2]]), torch.tensor([0, 1, 0])
    weighted = CrossEntropy([0.3, 0.7], reduction="weighted_mean")(logits, target).item()
    assert weighted == pytest.approx(0.219161, abs=5e-7)
    assert weighted == pytest.approx(functional.cross_entropy(logits, target, torch.tensor([0.3, 0.7])).item())
    assert CrossEntropy([0.3, 0.7])(logits, target).item() == pytest.approx(0.0950, abs=5e-5)


@pytest.mark.parametrize("shape", [(20, 5), (4, 5, 3), (2, 5, 3, 4)], ids=str)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_cross_entropy_is_torchs(shape: tuple[int, ...], weighted: bool) -> None:
    z = 3 * rand(*shape)
    y = torch.randint(5, (shape[0], *shape[2:]), generator=generator(1))
    y[0] = -100
    w = torch.tensor([0.2, 0.5, 1.0, 2.0, 4.0], dtype=torch.float64) if weighted else None
    for reduction, theirs in (("weighted_mean", "mean"), ("sum", "sum"), ("none", "none")):
        ours = CrossEntropy(w, reduction=reduction)
        reference = torch.nn.CrossEntropyLoss(w, reduction=theirs)
        torch.testing.assert_close(ours(z, y), reference(z, y), rtol=1e-12, atol=1e-14)
        torch.testing.assert_close(
            gradient(lambda z, ours=ours: ours(z, y).sum(), z),
            gradient(lambda z, reference=reference: reference(z, y).sum(), z),
            rtol=1e-10,
            atol=1e-14,
        )


def test_smoothing_without_weights_is_torchs() -> None:
    z, y = rand(20, 5), torch.arange(20) % 5
    torch.testing.assert_close(
        CrossEntropy(label_smoothing=0.1)(z, y), functional.cross_entropy(z, y, label_smoothing=0.1)
    )


def test_smoothing_is_weighted_by_the_true_class() -> None:
    # One majority example, weights (.01, .99), smoothing .1. torch weights the smoothing's share by class: its optimum
    # puts p of the majority at .1656, so the majority is trained to be wrong (pytorch #104776).
    z = torch.zeros(1, 2, dtype=torch.float64)
    weight = torch.tensor([0.01, 0.99], dtype=torch.float64)
    target = torch.tensor([0])
    ours = gradient(lambda z: CrossEntropy(weight, label_smoothing=0.1)(z, target), z)
    theirs = gradient(lambda z: functional.cross_entropy(z, target, weight, label_smoothing=0.1), z)
    assert ours[0, 0] < 0 < theirs[0, 0]
    # By hand: .01 x (.95 x log 2 + .05 x log 2).
    assert CrossEntropy(weight, label_smoothing=0.1)(z, target).item() == pytest.approx(0.01 * math.log(2))


@pytest.mark.parametrize("reduction", ["mean", "weighted_mean", "sum"])
def test_soft_one_hot_is_hard(reduction: str) -> None:
    # torch: .572 against .918 with weights, since soft targets divide by the batch and hard ones by the weights.
    z, y = rand(12, 4), torch.arange(12) % 4
    one_hot = functional.one_hot(y, 4).double()
    for loss in (CrossEntropy([0.1, 1, 2, 3], reduction=reduction), Focal(2.0, [0.1, 1, 2, 3], reduction=reduction)):
        torch.testing.assert_close(loss(z, one_hot), loss(z, y))
    theirs = torch.nn.CrossEntropyLoss(torch.tensor([0.1, 1, 2, 3], dtype=torch.float64))
    assert not torch.isclose(theirs(z, one_hot), theirs(z, y))


def test_mixup_is_the_mixture() -> None:
    z, a, b = rand(12, 4), torch.arange(12) % 4, torch.arange(12) % 3
    mixed = 0.3 * functional.one_hot(a, 4).double() + 0.7 * functional.one_hot(b, 4).double()
    for loss in (CrossEntropy([0.1, 1, 2, 3], label_smoothing=0.1), Focal(2.0, [0.1, 1, 2, 3]), LDAM([9, 5, 2, 1])):
        z = z.clamp(-1, 1)
        torch.testing.assert_close(loss(z, mixed), 0.3 * loss(z, a) + 0.7 * loss(z, b))


def test_ignored_targets_and_weights_together() -> None:
    # Transformers ignores -100 but takes no weights.
    z, y = rand(3, 6, 4), torch.arange(18).reshape(3, 6) % 4
    y[:, 4:] = -100
    weight, sample_weight = torch.tensor([0.5, 1.0, 2.0, 3.0]), torch.rand(3, 6)
    loss = CrossEntropy(weight, class_dim=-1)(z, y, sample_weight)
    rows = CrossEntropy(weight, reduction="none")(z[:, :4].reshape(-1, 4), y[:, :4].reshape(-1))
    torch.testing.assert_close(loss, (rows * sample_weight[:, :4].reshape(-1)).sum() / 12)


def test_sample_weights_normalised_per_batch_are_the_weighted_mean() -> None:
    # Weights scaled to a mean of 1 in each batch: torch has no name for it.
    z, y, w = rand(12, 4), torch.arange(12) % 4, torch.linspace(0.1, 5, 12, dtype=torch.float64)
    scaled = (functional.cross_entropy(z, y, reduction="none") * w * 12 / w.sum()).mean()
    torch.testing.assert_close(CrossEntropy(reduction="weighted_mean")(z, y, w), scaled)


def test_a_batch_of_padding_is_no_nan() -> None:
    z, y = rand(4, 3), torch.full((4,), -100)
    assert functional.cross_entropy(z, y).isnan()
    assert CrossEntropy()(z, y).item() == 0


def test_garbage_under_padding_stays_there() -> None:
    # torch: NaN gradients on the padded rows.
    z, y = rand(4, 3), torch.tensor([0, 1, -100, 2])
    clean = gradient(lambda z: CrossEntropy()(z, y), z)
    z[2] = float("nan")
    torch.testing.assert_close(gradient(lambda z: CrossEntropy()(z, y), z), clean)
    assert gradient(lambda z: functional.cross_entropy(z, y), z).isnan().any()


def test_an_ignored_class_that_has_rows_is_warned_of(device: str) -> None:
    # The dominant class was ignored by mistake in a widely read article, in silence.
    if device != "cpu":
        pytest.skip("values on a GPU are not looked at")
    with pytest.warns(UserWarning, match="ignore_index=0 is a class of its own"):
        CrossEntropy(ignore_index=0)(rand(4, 3), torch.tensor([0, 1, 0, 2]))


def test_masked_logits_of_minus_infinity() -> None:
    z = torch.tensor([[0.0, -math.inf, 1.0]])
    target = torch.tensor([0])
    one_hot = functional.one_hot(target, 3).float()
    expected = functional.cross_entropy(z, target)
    torch.testing.assert_close(CrossEntropy()(z, target), expected)
    torch.testing.assert_close(CrossEntropy()(z, one_hot), expected)
    assert functional.cross_entropy(z, one_hot).isnan()
    assert gradient(lambda z: CrossEntropy()(z, one_hot), z).isfinite().all()


def test_binary_cross_entropy_is_torchs() -> None:
    z, w, sample_weight = rand(10, 4), torch.rand(4).double(), torch.rand(10, 4).double()
    y = (rand(10, 4, seed=2) > 0).double()
    for target in (y, y * 0.8 + 0.1):
        for ours, reference in (
            (BinaryCrossEntropy()(z, target), functional.binary_cross_entropy_with_logits(z, target)),
            (
                BinaryCrossEntropy(w, pos_weight=3 * w)(z, target, sample_weight),
                functional.binary_cross_entropy_with_logits(z, target, w * sample_weight, pos_weight=3 * w),
            ),
        ):
            torch.testing.assert_close(ours, reference, rtol=1e-12, atol=1e-14)


def test_weights_of_both_sides() -> None:
    # 10 % positive: w1 = 10, w0 = 1.11 (1 / frequency).
    z, y = rand(20), (torch.arange(20) < 2).double()
    w1, w0 = 10.0, 1 / 0.9
    p = torch.sigmoid(z)
    expected = -(w1 * y * p.log() + w0 * (1 - y) * (1 - p).log()).mean()
    torch.testing.assert_close(BinaryCrossEntropy(w0, pos_weight=w1 / w0)(z, y), expected, rtol=1e-6, atol=0)


def test_pos_weight_is_not_weight() -> None:
    assert sy.pos_weights([[1]] * 100 + [[0]] * 300).tolist() == [3.0]
    z, y = torch.zeros(2, 1), torch.tensor([[1.0], [0.0]])
    values = BinaryCrossEntropy(pos_weight=[3.0], reduction="none")(z, y) / math.log(2)
    assert values.flatten().tolist() == pytest.approx([3.0, 1.0])
    values = BinaryCrossEntropy([3.0], reduction="none")(z, y) / math.log(2)
    assert values.flatten().tolist() == pytest.approx([3.0, 3.0])


def test_weighted_mean_of_one_logit_is_that_of_two_classes() -> None:
    z, y = rand(30), torch.arange(30) % 3 == 0
    two = torch.stack([torch.zeros_like(z), z], 1)
    torch.testing.assert_close(
        BinaryCrossEntropy(pos_weight=5.0, reduction="weighted_mean")(z, y),
        CrossEntropy([1.0, 5.0], reduction="weighted_mean")(two, y.long()),
    )


def test_missing_labels_do_not_count() -> None:
    z, y = rand(4, 3), torch.tensor([[1, 0, 1], [0, math.nan, 1], [1, 1, math.nan], [0, 0, 0]], dtype=torch.float64)
    known = ~y.isnan()
    for loss, none in (
        (BinaryCrossEntropy([1.0, 2.0, 3.0]), BinaryCrossEntropy([1.0, 2.0, 3.0], reduction="none")),
        (SigmoidFocal(0.5, 0.25), SigmoidFocal(0.5, 0.25, reduction="none")),
    ):
        parts = none(z, torch.where(known, y, 0.0))
        torch.testing.assert_close(loss(z, y), parts[known].sum() / 10)
        assert (gradient(lambda z, loss=loss: loss(z, y), z)[~known] == 0).all()


def torchvision_sigmoid_focal(z: torch.Tensor, y: torch.Tensor, alpha: float, gamma: float) -> torch.Tensor:
    """torchvision.ops.sigmoid_focal_loss(reduction="mean"), as published."""
    p = torch.sigmoid(z)
    loss = functional.binary_cross_entropy_with_logits(z, y, reduction="none")
    loss = loss * ((1 - (p * y + (1 - p) * (1 - y))) ** gamma)
    return ((alpha * y + (1 - alpha) * (1 - y)) * loss).mean()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 3.7, 5.0])
def test_sigmoid_focal_is_torchvisions(gamma: float) -> None:
    z, y = 2 * rand(40, 6), (rand(40, 6, seed=3) > 1).double()
    ours = SigmoidFocal(gamma, 0.25)
    torch.testing.assert_close(ours(z, y), torchvision_sigmoid_focal(z, y, 0.25, gamma), rtol=1e-10, atol=0)
    torch.testing.assert_close(
        gradient(lambda z: ours(z, y), z), gradient(lambda z: torchvision_sigmoid_focal(z, y, 0.25, gamma), z)
    )


def test_saturated_focal_has_a_gradient() -> None:
    z, y = torch.tensor([[20.0]]), torch.ones(1, 1)
    assert gradient(lambda z: torchvision_sigmoid_focal(z, y, 0.25, 0.5), z).isnan().all()
    assert gradient(lambda z: SigmoidFocal(0.5, 0.25)(z, y), z).isfinite().all()


def test_focal_weight_stands_outside_the_modulating_factor() -> None:
    # A widely copied port takes exp(-weighted cross-entropy) for p: weights then change the factor too.
    z, y, w = rand(9, 3), torch.arange(9) % 3, torch.tensor([0.2, 1.0, 5.0], dtype=torch.float64)
    p = torch.softmax(z, 1).gather(1, y[:, None])[:, 0]
    torch.testing.assert_close(Focal(2.0, w)(z, y), (w[y] * (1 - p) ** 2 * -p.log()).mean())
    port = -functional.cross_entropy(z, y, w, reduction="none")
    assert not torch.isclose(Focal(2.0, w)(z, y), ((1 - port.exp()) ** 2 * -port).mean())


def test_gamma_and_alpha_per_class() -> None:
    z, y = rand(9, 3), torch.arange(9) % 3
    parts = [Focal(g, reduction="none")(z, y) for g in (0.0, 1.0, 2.5)]
    torch.testing.assert_close(Focal([0.0, 1.0, 2.5], reduction="none")(z, y), torch.stack(parts).gather(0, y[None])[0])
    labels = functional.one_hot(y, 3).double()
    columns = [
        SigmoidFocal(g, a, reduction="none")(z, labels)[:, k]
        for k, (g, a) in enumerate(((0, 0.2), (0.5, 0.9), (3, 0.5)))
    ]
    torch.testing.assert_close(
        SigmoidFocal([0, 0.5, 3], [0.2, 0.9, 0.5], reduction="none")(z, labels), torch.stack(columns, 1)
    )


def test_neutral_limits_are_cross_entropy() -> None:
    z, y, labels = rand(9, 3).clamp(-1, 1), torch.arange(9) % 3, torch.eye(3, dtype=torch.float64).repeat(3, 1)
    plain = functional.cross_entropy(z, y)
    for loss in (
        Focal(0.0),
        Poly(0.0),
        LogitAdjusted([5, 2, 1], tau=0.0),
        LDAM([5, 2, 1], max_margin=0.0, scale=1.0),
        CostSensitive(torch.ones(3, 3), strength=0.0),
    ):
        torch.testing.assert_close(loss(z, y), plain, rtol=1e-12, atol=0)
    plain = functional.binary_cross_entropy_with_logits(z, labels)
    for binary in (SigmoidFocal(0.0), Asymmetric(0.0, 0.0, 0.0), BinaryCrossEntropy()):
        torch.testing.assert_close(binary(z, labels), plain, rtol=1e-12, atol=0)


def test_published_formulas() -> None:
    z, y, counts = rand(9, 3).clamp(-1, 1), torch.arange(9) % 3, torch.tensor([500.0, 50.0, 5.0], dtype=torch.float64)
    p = torch.softmax(z, 1).gather(1, y[:, None])[:, 0]
    # Ren et al.: balanced softmax, n_y e^z_y / sum_k n_k e^z_k.
    balanced = -((counts * z.exp()).gather(1, y[:, None])[:, 0] / (counts * z.exp()).sum(1)).log()
    torch.testing.assert_close(LogitAdjusted(counts)(z, y), balanced.mean())
    # Cao et al.'s code.
    margins = counts**-0.25 / (counts**-0.25).max() * 0.5
    lowered = z - functional.one_hot(y, 3) * margins
    torch.testing.assert_close(LDAM(counts)(z, y), functional.cross_entropy(30 * lowered, y))
    torch.testing.assert_close(Poly(2.0)(z, y), (-p.log() + 2 * (1 - p)).mean())
    cost = torch.tensor([[0.0, 1, 2], [3, -1, 1], [9, 4, 0]], dtype=torch.float64)
    expected = functional.cross_entropy(z, y) + 0.5 * (cost[y] * torch.softmax(z, 1)).sum(1).mean()
    torch.testing.assert_close(CostSensitive(cost, strength=0.5)(z, y), expected)
    # Ridnik et al.'s code, gradient through everything.
    labels, sigmoid = functional.one_hot(y, 3).double(), torch.sigmoid(z)
    not_p = (1 - sigmoid + 0.05).clamp(max=1)
    pt = sigmoid * labels + not_p * (1 - labels)
    asl = labels * sigmoid.log() + (1 - labels) * not_p.log()
    asl = -(asl * (1 - pt) ** (1 * labels + 4 * (1 - labels))).mean()
    torch.testing.assert_close(Asymmetric(4, 1, 0.05)(z, labels), asl)


def test_absent_classes_stay_finite() -> None:
    # n = 0: log prior -inf, margin inf; here as if there were one row.
    z, y = rand(4, 3).clamp(-1, 1), torch.tensor([0, 1, 0, 2])
    for cls in (LogitAdjusted, LDAM):
        torch.testing.assert_close(cls([90, 9, 0])(z, y), cls([90, 9, 1])(z, y), rtol=1e-2, atol=1e-2)
        assert cls([90, 9, 0])(z, y).isfinite()


def test_counts_in_every_form() -> None:
    z, y = rand(4, 3), torch.tensor([0, 1, 0, 2])
    expected = LogitAdjusted([7, 2, 1])(z, y)
    named = sy.count_labels({"c": 1, "a": 7, "b": 2})
    for counts in ({2: 1, 0: 7, 1: 2}, named, torch.tensor([7, 2, 1]), named.counts, {"c": 1, "a": 7, "b": 2}):
        torch.testing.assert_close(LogitAdjusted(counts)(z, y), expected)


def test_weights_in_every_form() -> None:
    z, y = rand(4, 2), torch.tensor([0, 1, 0, 1])
    with_names = sy.class_weights({"soccer": 80, "funny": 5}, "inverse", normalize="classes")
    values = with_names.as_array().tolist()
    assert values == pytest.approx([1.882, 0.118], abs=5e-4)  # funny, soccer: the order of the classes
    for weight in (with_names, values, torch.tensor(values), {1: values[1], 0: values[0]}):
        torch.testing.assert_close(CrossEntropy(weight)(z, y), CrossEntropy(values)(z, y))


def test_plain_logits_for_ldam_are_warned_of_once(device: str) -> None:
    if device != "cpu":
        pytest.skip("values on a GPU are not looked at")
    loss = LDAM([9, 1])
    with pytest.warns(UserWarning, match="LDAM expects cosines, but a logit is 5"):
        loss(torch.tensor([[5.0, 0.0]]), torch.tensor([0]))
    loss(torch.tensor([[5.0, 0.0]]), torch.tensor([0]))


def test_dice_by_hand() -> None:
    # Two places, probabilities (.8, .2) and (.4, .6), truth: class 0 and class 1.
    z = torch.tensor([[[0.8, 0.4], [0.2, 0.6]]], dtype=torch.float64).log()
    y = torch.tensor([[0, 1]])
    # Class 0: TP .8, FP .4, FN .2; class 1: TP .6, FP .2, FN .4.
    expected = [1 - (1.6 + 1) / (1.6 + 0.6 + 1), 1 - (1.2 + 1) / (1.2 + 0.6 + 1)]
    assert Dice(reduction="none")(z, y)[0].tolist() == pytest.approx(expected)
    torch.testing.assert_close(Tversky(0.5, 0.5, smooth=0.5)(z, y), Dice(smooth=1.0)(z, y))
    tversky = [1 - 1.8 / (0.8 + 0.3 * 0.4 + 0.7 * 0.2 + 1), 1 - 1.6 / (0.6 + 0.3 * 0.2 + 0.7 * 0.4 + 1)]
    assert Tversky(0.3, 0.7, reduction="none")(z, y)[0].tolist() == pytest.approx(tversky)
    focal = FocalTversky(0.3, 0.7, 0.75, reduction="none")(z, y)[0].tolist()
    assert focal == pytest.approx([value**0.75 for value in tversky])


def test_perfect_regions_have_a_finite_gradient() -> None:
    # (1 - Tversky)^.75 has an infinite slope at 0: NaN in other libraries.
    z = 1e4 * torch.tensor([[[1.0, -1.0], [-1.0, 1.0]]])
    y = torch.tensor([[0, 1]])
    assert gradient(lambda z: FocalTversky()(z, y), z).isfinite().all()


def test_pooled_and_weighted_regions() -> None:
    z, y = rand(3, 2, 5), torch.arange(15).reshape(3, 5) % 2
    joined = z.movedim(0, 1).reshape(1, 2, 15)
    torch.testing.assert_close(Dice(per="batch")(z, y), Dice()(joined, y.reshape(1, 15)))
    each = Dice(reduction="none")(z, y)
    torch.testing.assert_close(Dice([1.0, 3.0])(z, y), (each * torch.tensor([1.0, 3.0])).sum() / 6)
    torch.testing.assert_close(
        Dice([1.0, 3.0], reduction="weighted_mean")(z, y), (each * torch.tensor([1.0, 3.0])).sum() / 12
    )
    labels = functional.one_hot(y, 2).movedim(-1, 1).double()
    torch.testing.assert_close(Dice()(z, labels), Dice()(z, y))
    assert Dice(activation="sigmoid")(z, labels).isfinite()


def test_suspected_rare() -> None:
    # Tokens that nobody could name, but someone took for rare, teach the second head only.
    logits, suspicion = rand(4, 3), rand(4, seed=1)
    target, suspected = torch.tensor([0, 2, -100, -100]), torch.tensor([0.0, 1.0, 1.0, math.nan])
    main = functional.cross_entropy(logits[:2], target[:2])
    auxiliary = functional.binary_cross_entropy_with_logits(suspicion[:3], suspected[:3].double())
    loss = SuspectedRare(CrossEntropy(), [2], strength=0.3)
    torch.testing.assert_close(loss(logits, suspicion, target, suspected), main + 0.3 * auxiliary)
    by_class = functional.binary_cross_entropy_with_logits(suspicion[:2], torch.tensor([0.0, 1.0]).double())
    torch.testing.assert_close(loss(logits, suspicion[:, None], target), main + 0.3 * by_class)
    assert "rare_classes=[2]" in repr(loss)

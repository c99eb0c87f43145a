"""The network against the same training in PyTorch, and what the model promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from steelyard.errors import UsageError
from steelyard.losses import AsymmetricLoss, CrossEntropyLoss, FocalLoss, LdamLoss, Loss
from steelyard.models import FitTask, ModelState, parse_model
from steelyard.models._network import AdamW, Network
from steelyard.models.mlp import Mlp
from steelyard.samplers.balanced import Balanced
from steelyard.samplers.mixup import Mixup

torch = pytest.importorskip("torch")

PRIORS = np.full(3, 1 / 3)


def slope_of(loss: Loss, codes: np.ndarray, weight: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Gradient of the weighted mean loss by the scores."""
    bound = loss.bind(PRIORS)
    return lambda scores: bound(scores, codes)[1] * (weight / len(codes))[:, None]


def in_torch(network: Network) -> torch.nn.Sequential:
    layers: list[torch.nn.Module] = []
    for weight, bias in zip(network.weights, network.biases, strict=True):
        linear = torch.nn.Linear(*weight.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(weight.T))
            linear.bias.copy_(torch.tensor(bias))
        layers += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def as_double(network: Network) -> Network:
    weights, biases = ([part.astype(np.float64) for part in parts] for parts in (network.weights, network.biases))
    return Network(weights, biases, network.cosine_scale)


def torch_loss(loss: Loss, logits: torch.Tensor, codes: np.ndarray, weight: np.ndarray) -> torch.Tensor:
    log_p = torch.log_softmax(logits, dim=1)[torch.arange(len(codes)), codes]
    factor = (1 - log_p.exp()) ** loss.gamma if isinstance(loss, FocalLoss) else 1.0
    return (torch.tensor(weight) * factor * -log_p).mean()


@pytest.mark.parametrize("hidden", [(8,), (8, 5)])
@pytest.mark.parametrize("loss", [CrossEntropyLoss(), FocalLoss(2.0)], ids=str)
def test_300_steps_are_those_of_torch(hidden: tuple[int, ...], loss: Loss) -> None:
    rng = np.random.default_rng(0)
    X, codes, weight = rng.normal(size=(64, 6)), rng.integers(3, size=64), rng.uniform(0.5, 2, 64)
    ours = as_double(Network.initial((6, *hidden, 3), rng))
    theirs = in_torch(ours)
    optimiser = AdamW(ours.parameters(), 0.01, 0.05)
    reference = torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=0.05)
    for _ in range(300):
        batch = rng.integers(64, size=16)
        optimiser.step(ours.gradient(X[batch], slope_of(loss, codes[batch], weight[batch])))
        reference.zero_grad()
        torch_loss(loss, theirs(torch.tensor(X[batch])), codes[batch], weight[batch]).backward()
        reference.step()
    np.testing.assert_allclose(ours.logits(X), theirs(torch.tensor(X)).detach().numpy(), atol=1e-7)


def test_the_gradient_under_dropout_is_torchs() -> None:
    rng = np.random.default_rng(1)
    X, codes = rng.normal(size=(10, 4)), rng.integers(3, size=10)
    ours = as_double(Network.initial((4, 7, 6, 3), rng))
    masks = [(rng.random((10, units)) < 0.5) / 0.5 for units in (7, 6)]
    found = ours.gradient(X, slope_of(CrossEntropyLoss(), codes, np.ones(10)), masks)
    theirs = in_torch(ours)
    hidden = torch.tensor(X)
    for layer, mask in zip((theirs[0], theirs[2]), masks, strict=True):
        hidden = torch.relu(layer(hidden)) * torch.tensor(mask)
    torch_loss(CrossEntropyLoss(), theirs[4](hidden), codes, np.ones(10)).backward()
    expected = [p.grad.numpy().T for layer in theirs[::2] for p in layer.parameters()]
    for ours_part, theirs_part in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours_part, theirs_part, atol=1e-12)


def test_the_gradient_of_cosines_is_torchs() -> None:
    rng = np.random.default_rng(2)
    X, codes, weight = rng.normal(size=(10, 4)), rng.integers(3, size=10), rng.uniform(0.5, 2, 10)
    ours = as_double(Network.initial((4, 7, 3), rng, cosine_scale=30.0))
    found = ours.gradient(X, slope_of(LdamLoss(), codes, weight))
    theirs = in_torch(ours)
    hidden = torch.relu(theirs[0](torch.tensor(X)))
    cosines = torch.nn.functional.normalize(hidden, dim=1) @ torch.nn.functional.normalize(theirs[2].weight, dim=1).T
    margins = torch.tensor(LdamLoss().margins(PRIORS))[codes, None] * torch.nn.functional.one_hot(torch.tensor(codes))
    losses = torch.nn.functional.cross_entropy(30 * (cosines - margins), torch.tensor(codes), reduction="none")
    (losses * torch.tensor(weight)).mean().backward()
    expected = [theirs[0].weight.grad.T, theirs[0].bias.grad, theirs[2].weight.grad.T]
    for ours_part, theirs_part in zip(found, expected, strict=False):
        np.testing.assert_allclose(ours_part, theirs_part.numpy(), atol=1e-12)
    assert not found[-1].any()


def rings(rows: int = 600) -> FitTask:
    """Two classes that no line separates."""
    rng = np.random.default_rng(3)
    codes = rng.integers(2, size=rows)
    angle, radius = rng.uniform(0, 2 * np.pi, rows), 1 + codes + rng.normal(scale=0.15, size=rows)
    X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return FitTask(X, codes, np.ones(rows), 2, CrossEntropyLoss(), np.zeros(2, dtype=bool), 0)


@pytest.mark.parametrize("text", ["mlp", "mlp(hidden=[32, 16], dropout=0.2)"])
def test_it_learns_what_a_line_cannot(text: str) -> None:
    task = rings()
    network = parse_model(text).fit(task)
    line = parse_model("linear").fit(task)
    assert np.mean(network.predict_proba(task.X).argmax(axis=1) == task.codes) > 0.95
    assert np.mean(line.predict_proba(task.X).argmax(axis=1) == task.codes) < 0.7


def test_early_stopping_never_sees_a_class_of_few_rows_leave() -> None:
    rng = np.random.default_rng(0)
    codes = np.array([0] * 300 + [1] * 9 + [2] * 1)
    task = FitTask(
        rng.normal(size=(310, 3)) + 3 * codes[:, None], codes, np.ones(310), 3, CrossEntropyLoss(),
        np.zeros(3, dtype=bool), 0,
    )  # fmt: skip
    proba = Mlp().fit(task).predict_proba(task.X)
    assert np.mean(proba[300:309].argmax(axis=1) == 1) > 0.8


def labels_of_rows(rows: int = 900) -> FitTask:
    """Three labels, each a half-plane of its own; one entry in ten is not known, and the last label never holds."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(rows, 4))
    truth = np.column_stack([X[:, 0] > 0, X[:, 1] > 0.8, X[:, 2] + X[:, 3] > 0, np.zeros(rows)]).astype(float)
    truth[rng.random(truth.shape) < 0.1] = np.nan
    return FitTask(X, truth, np.ones(truth.shape), 4, CrossEntropyLoss(), np.zeros(4, dtype=bool), 0)


@pytest.mark.parametrize("loss", [CrossEntropyLoss(), FocalLoss(), AsymmetricLoss(2, 0, 0)], ids=str)
def test_several_labels_a_row_with_gaps(loss: Loss) -> None:
    task = replace(labels_of_rows(), loss=loss)
    fitted = Mlp().fit(task)
    proba = fitted.predict_proba(task.X)
    known = ~np.isnan(task.codes)
    assert np.mean(((proba > 0.5) == (task.codes == 1))[known]) > 0.9
    assert not proba[:, 3].any()
    assert proba.sum(axis=1).max() > 1.5
    again = Mlp().restore(ModelState(fitted.to_state().meta, fitted.to_state().arrays))
    assert np.array_equal(again.predict_proba(task.X), proba)


def test_what_is_not_known_changes_nothing() -> None:
    task = labels_of_rows(300)
    gap = np.isnan(task.codes)
    heavy = np.where(gap, 1e6, 1.0)
    assert np.array_equal(
        Mlp(epochs=3).fit(task).predict_proba(task.X),
        Mlp(epochs=3).fit(replace(task, sample_weight=heavy)).predict_proba(task.X),
    )


def test_rows_of_several_labels_are_not_drawn_by_class() -> None:
    with pytest.raises(UsageError, match="balanced draws rows of one label each"):
        Mlp().fit(replace(labels_of_rows(100), sampling=Balanced()))


def test_a_network_of_cosines_learns_and_comes_back() -> None:
    task = replace(rings(), loss=LdamLoss())
    fitted = Mlp().fit(task)
    proba = fitted.predict_proba(task.X)
    assert np.mean(proba.argmax(axis=1) == task.codes) > 0.95
    assert np.array_equal(Mlp().restore(fitted.to_state()).predict_proba(task.X), proba)


def test_a_model_saved_before_cosines_and_labels_is_read() -> None:
    fitted = Mlp(epochs=1).fit(rings(100))
    state = fitted.to_state()
    assert state.meta == {"n_classes": 2, "layers": 2}
    assert np.array_equal(Mlp().restore(state).predict_proba(rings(100).X), fitted.predict_proba(rings(100).X))


def test_mixup_learns_too() -> None:
    task = replace(rings(), sampling=Mixup())
    assert np.mean(Mlp().fit(task).predict_proba(task.X).argmax(axis=1) == task.codes) > 0.95


@pytest.mark.parametrize(
    "bad",
    [
        {"hidden": 0}, {"hidden": (4, 4, 4)}, {"hidden": 2.5}, {"dropout": 1.0}, {"dropout": -0.1},
        {"weight_decay": -1}, {"learning_rate": 0}, {"epochs": 0}, {"patience": 1.5},
    ],
)  # fmt: skip
def test_what_is_out_of_range_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="mlp: "):
        Mlp(**bad)  # type: ignore[arg-type]


def test_its_text_shows_the_size() -> None:
    assert str(parse_model("mlp")) == "mlp(hidden=64)"
    assert str(parse_model("mlp(hidden=[128, 64], dropout=0.3)")) == "mlp(hidden=[128, 64], dropout=0.3)"

"""Networks stacked in PyTorch against NumPy's reference, and that neighbours do not meddle with each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from steelyard.losses import AsymmetricLoss, CrossEntropyLoss, FocalLoss, Loss
from steelyard.models import FitTask, _engines
from steelyard.models._engines import NumpyEngine, Options, Samples
from steelyard.models._network import Network, dropout_masks
from steelyard.models._network_fit import NetworkFit
from steelyard.models._training import Pass, Schedule, Split
from steelyard.models.mlp import Mlp
from steelyard.registry import components
from steelyard.samplers.balanced import Balanced
from steelyard.samplers.mixup import Mixup
from steelyard.samplers.undersample import Undersample

torch = pytest.importorskip("torch")

from steelyard.models._stacked import Stack, stacks, train_stacked  # noqa: E402
from steelyard.models._stacked_loss import StackedLoss  # noqa: E402
from steelyard.models._stacked_rows import DropoutMasks, dropout_salts  # noqa: E402

ROWS, COLUMNS, CLASSES = 300, 7, 5
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, COLUMNS)).astype(np.float32)
CODES = RNG.choice(CLASSES, p=[0.4, 0.3, 0.15, 0.1, 0.05], size=ROWS)
LABELS = np.where(RNG.random((ROWS, CLASSES)) < 0.1, np.nan, RNG.random((ROWS, CLASSES)) < 0.3).astype(np.float32)
LOSSES = [
    *(cls() for cls in components("loss").values()), FocalLoss(0.5), CrossEntropyLoss(0.2), AsymmetricLoss(2, 0, 0),
]  # fmt: skip
CUDA = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU"))


@pytest.fixture(params=["cpu", CUDA])
def device(request: pytest.FixtureRequest) -> str:
    return request.param


def fit_of(loss: Loss, several: bool, layers: tuple[int, ...], dropout: float, number: int) -> NetworkFit:
    """A fit of its own weights, watched rows and random stream."""
    rng = np.random.default_rng(number)
    targets = LABELS if several else CODES[:, None].astype(np.float32)
    samples = Samples(X if number % 2 else X + np.float32(0.1), targets, CLASSES, several)
    weight = rng.uniform(0.5, 2, size=(ROWS, CLASSES if several else 1)).astype(np.float32)
    rows = rng.permutation(ROWS)
    split = Split(rows[: 290 - number], rows[290 - number :], weight, np.ones((ROWS, 1), np.float32))
    network = Network.initial((COLUMNS, *layers, CLASSES), rng, loss.cosine_scale)
    task = FitTask(X, CODES, weight, CLASSES, loss, np.zeros(COLUMNS, dtype=bool), 0)
    options = Options(0.005, 0.05, dropout, 32, 2**62 + number)
    return NetworkFit(task, samples, split, network, options, Schedule(1, 1), rng)


def passes_of(fit: NetworkFit, number: int, mixes: bool) -> list[Pass]:
    """Passes of another length for each fit; every other fit mixes its rows."""
    found, length = [], 300 - 60 * (number % 3)
    for _ in range(14):
        mixed = fit.rng.beta(0.3, 0.3, size=length if mixes and number % 2 else 0).astype(np.float32)
        order = fit.rng.integers(ROWS, size=length)
        found.append(Pass(order, mixed, fit.split.weight, fit.split.weight, scored=number % 3 == 0))
    return found


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize(
    ("layers", "dropout", "mixes", "left_out"),
    [((10,), 0.0, False, ""), ((9, 17), 0.3, True, ""), ((10,), 0.2, False, "focal asymmetric"),
     ((10,), 0.0, False, "focal asymmetric ldam")],
)  # fmt: skip
def test_every_loss_in_one_stack_is_trained_as_numpy_trains_it_alone(
    device: str, several: bool, layers: tuple[int, ...], dropout: float, mixes: bool, left_out: str
) -> None:
    """Every loss, and stacks without those that are not cross-entropy of some scores: these take a shorter way."""
    losses = [loss for loss in LOSSES if (loss.multilabel if several else loss.multiclass)]
    losses = [loss for loss in losses if loss.name not in left_out.split()]
    assert len(losses) >= 3
    fits = [fit_of(loss, several, layers, dropout, number) for number, loss in enumerate(losses)]
    courses = [passes_of(fit, number, mixes) for number, fit in enumerate(fits)]
    stack = Stack(fits, torch.device(device))
    stack.arrange(sorted(range(len(fits)), key=lambda fit: (-len(courses[fit][0].order), fit)))
    for asked in zip(*courses, strict=True):
        stack.learn([asked[fit] for fit in stack.fits])
    watched = dict(zip(stack.fits, stack.watch([courses[fit][0] for fit in stack.fits]), strict=True))
    assert stack.steps.tolist() == [14 * -(-len(course[0].order) // 32) for course in courses]
    for number, (fit, course) in enumerate(zip(fits, courses, strict=True)):
        engine = NumpyEngine(fit.network, fit.samples, fit.task.loss, fit.priors, fit.options)
        for each in course:
            engine.learn(each.order, each.mixed, each.weight)
        found = stack.networks.network(stack.values(number), fit.task.loss.cosine_scale)
        for ours, theirs in zip(found.parameters(), engine.network().parameters(), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-4, err_msg=str(fit.task.loss))
        moved = max(np.abs(a - b).max() for a, b in zip(found.parameters(), fit.network.parameters(), strict=True))
        assert moved > 0.05
        (value, scores), (expected, expected_scores) = watched[number], engine.watch(fit.split.watch, fit.split.weight)
        assert value == pytest.approx(expected, rel=1e-3)
        assert (scores is None) == (number % 3 != 0)
        if scores is not None:
            np.testing.assert_allclose(scores, expected_scores, atol=1e-3)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("modulated", [False, True])
def test_losses_and_slopes_are_those_that_the_components_give(device: str, several: bool, modulated: bool) -> None:
    """AdamW does not feel the size of a gradient, so that training alone would not tell a wrong one."""
    losses = [loss for loss in LOSSES if (loss.multilabel if several else loss.multiclass)]
    losses = [loss for loss in losses if modulated or loss.name not in ("focal", "asymmetric")]
    rng = np.random.default_rng(3)
    shares = np.nanmean(LABELS, axis=0).astype(float) if several else np.bincount(CODES) / ROWS
    fused = [loss.fused_multilabel(shares) if several else loss.fused(shares) for loss in losses]
    scores = np.stack([rng.uniform(-1, 1, (ROWS, CLASSES)) * (1 if loss.cosine_scale else 8) for loss in losses])
    targets = LABELS.astype(float) if several else CODES[:, None]
    weight = rng.uniform(0.5, 2, size=(len(losses), *targets.shape))
    stack = StackedLoss(fused, several, torch.device(device))
    assert stack.modulated == modulated
    x, t, w = (torch.tensor(part, dtype=torch.float32, device=device) for part in (scores, targets, weight))
    t = t.expand(len(losses), *targets.shape)
    found, slopes = stack.loss(x, t, w).cpu().numpy(), stack.slope(x, t, w).cpu().numpy()
    for place, loss in enumerate(losses):
        bound = loss.bind_multilabel(shares) if several else loss.bind(shares)
        value, slope = bound(scores[place], targets if several else CODES)
        value = value if several else value[:, None]
        np.testing.assert_allclose(found[place], value * weight[place], rtol=2e-4, atol=1e-5, err_msg=str(loss))
        np.testing.assert_allclose(slopes[place], slope * weight[place], rtol=2e-4, atol=2e-5, err_msg=str(loss))


@pytest.mark.parametrize("several", [False, True])
def test_nothing_stays_behind_on_the_processor(several: bool) -> None:
    """A device without memory tells of most operands that are not on it, which no machine without a GPU would."""
    fits = [fit_of(loss, several, (8, 8), 0.1, n) for n, loss in enumerate([CrossEntropyLoss(), FocalLoss()])]
    stack = Stack(fits, torch.device("meta"))
    asked = [passes_of(fit, number, True)[0] for number, fit in enumerate(fits)]
    stack.learn([replace(each, order=each.order[:40], mixed=each.mixed[:40]) for each in asked])
    assert stack.networks.scores(stack.rows.X[:6].expand(2, 6, COLUMNS)).shape == (2, 6, CLASSES)
    assert {part.device.type for part in (stack.networks.state, stack.rows.weight, stack.watched.weight)} == {"meta"}


def test_the_same_units_are_dropped_as_in_numpy(device: str) -> None:
    keys, units, size = np.array([5, 2**63 - 1], dtype=np.uint64), [64, 33], 200
    salts = torch.from_numpy(dropout_salts(keys, np.array([[0, 7], [1, 2**33]]), len(units))).to(device)
    masks = DropoutMasks(0.3, size, units, torch.device(device))
    for step, (first, second) in enumerate([(0, 7), (1, 2**33)]):
        found = masks(salts[step])
        for place, (key, number) in enumerate([(5, first), (2**63 - 1, second)]):
            for layer, expected in enumerate(dropout_masks(key, number, size, units, 0.3)):
                assert np.array_equal(found[layer][place].cpu().numpy(), expected)


@pytest.fixture
def tasks() -> list[FitTask]:
    """Fits that differ in rows, labels, weights, sampling, stages and weights that move."""
    rng, found = np.random.default_rng(0), []
    for fold in range(2):  # those of the second fold have other rows
        codes = rng.choice(4, p=[0.6, 0.25, 0.05, 0.1], size=400 + 7 * fold)
        x = rng.normal(size=(len(codes), 6)) + 0.8 * codes[:, None]
        plain = FitTask(x, codes, np.ones(len(codes)), 4, CrossEntropyLoss(), np.zeros(6, dtype=bool), 3 + fold)
        heavy = replace(plain, sample_weight=np.where(codes == 2, 8.0, 0.7))
        found += [plain, heavy]
        if fold:
            continue
        found += [
            replace(heavy, deferred=0.6), replace(plain, following=(0.3, 4.0)),
            replace(plain, sampling=Balanced()), replace(plain, sampling=Undersample()),
            replace(plain, sampling=Mixup()), replace(plain, loss=FocalLoss(2.0)),
        ]  # fmt: skip
        found += [replace(plain, loss=cls()) for name, cls in components("loss").items() if name == "ldam"]
    # A class without rows makes another shape, and so a stack of its own.
    found.append(replace(found[0], codes=np.where(found[0].codes == 2, 1, found[0].codes)))
    return found


def stacked(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    monkeypatch.setattr(Mlp, "stack_device", lambda self, *sizes: device)


def test_a_stack_of_unlike_fits_gives_what_each_gives_alone(
    tasks: list[FitTask], device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Mlp(hidden=12, epochs=10, patience=3, dropout=0.2)
    monkeypatch.setattr(_engines, "_kernels", lambda: None)
    alone = [fitted.predict_proba(task.X) for fitted, task in zip(model.fit_many(tasks), tasks, strict=True)]
    stacked(monkeypatch, device)
    together = [fitted.predict_proba(task.X) for fitted, task in zip(model.fit_many(tasks), tasks, strict=True)]
    for ours, theirs in zip(together, alone, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-3)
    assert np.abs(together[0] - together[1]).max() > 0.05
    again = [fitted.predict_proba(task.X) for fitted, task in zip(model.fit_many(tasks), tasks, strict=True)]
    assert all(np.array_equal(first, second) for first, second in zip(together, again, strict=True))


def test_several_labels_and_a_loss_without_numbers(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unfused(CrossEntropyLoss):
        def fused_multilabel(self, priors: np.ndarray) -> None:
            return None

    weight = np.where(LABELS == 1, 3.0, 1.0)
    first = FitTask(X, LABELS.astype(float), weight, CLASSES, AsymmetricLoss(), np.zeros(COLUMNS, dtype=bool), 1)
    own = [first, replace(first, loss=Unfused()), replace(first, loss=FocalLoss())]
    model = Mlp(hidden=(8, 8), epochs=6)
    alone = [fitted.predict_proba(X) for fitted in model.fit_many(own)]
    stacked(monkeypatch, device)
    for fitted, expected in zip(model.fit_many(own), alone, strict=True):
        np.testing.assert_allclose(fitted.predict_proba(X), expected, atol=1e-3)


def test_without_rows_to_watch_the_last_pass_is_kept(device: str) -> None:
    fits = [fit_of(CrossEntropyLoss(), False, (8,), 0.0, number) for number in range(2)]
    following = replace(fits[0].task, following=(0.3, 4.0))
    bare = [
        replace(
            fit, task=task, schedule=Schedule(3, 1), split=replace(fit.split, train=np.arange(ROWS), watch=CODES[:0])
        )
        for fit, task in zip(fits, [following, fits[1].task], strict=True)
    ]
    seeded = [[replace(fit, rng=np.random.default_rng(5)) for fit in bare] for _ in range(2)]
    for network, fit in zip(train_stacked(seeded[0], device), seeded[1], strict=True):
        for ours, theirs in zip(network.parameters(), fit.alone().parameters(), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_fit_that_stops_leaves_the_others_as_they_are(device: str) -> None:
    def fits(number: int) -> list[NetworkFit]:
        made = [fit_of(CrossEntropyLoss(), False, (16,), 0.1, each) for each in range(number)]
        return [replace(fit, schedule=Schedule(3 if each % 2 else 9, 9)) for each, fit in enumerate(made)]

    few, many = train_stacked(fits(1), device), train_stacked(fits(6), device)
    for ours, theirs in zip(many[0].parameters(), few[0].parameters(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_stacks_are_of_one_shape_and_fit_into_their_room() -> None:
    narrow = [fit_of(CrossEntropyLoss(), False, (8,), 0.0, number) for number in range(7)]
    wide = [fit_of(CrossEntropyLoss(), False, (9,), 0.0, number) for number in range(2)]
    assert stacks([narrow[0], wide[0], *narrow[1:], wide[1]]) == [[0, 2, 3, 4, 5, 6, 7], [1, 8]]
    assert stacks(narrow, room=1) == [[number] for number in range(7)]
    assert [len(part) for part in stacks(narrow, room=2 * 10**5)] == [4, 3]

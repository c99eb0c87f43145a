"""Stages, watched rows and weights that move, looked at through an engine that writes down what it is given."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from steelyard.errors import UsageError
from steelyard.losses import CrossEntropyLoss
from steelyard.models import FitTask
from steelyard.models._engines import Samples
from steelyard.models._network import Network
from steelyard.models._training import Schedule, Split, held_out_multilabel, train
from steelyard.samplers.balanced import Balanced

CODES = np.repeat([0, 1, 2], [120, 60, 8])


class Recorder:
    """Trains nothing: its loss falls for some passes and rises afterwards, and it never finds class 1."""

    def __init__(self, falling: int = 1000) -> None:
        self.passes: list[np.ndarray] = []
        self.weights: list[np.ndarray] = []
        self.judged: list[np.ndarray] = []
        self.falling = falling

    def learn(self, order: np.ndarray, mixed: np.ndarray, weight: np.ndarray) -> None:
        self.passes.append(order)
        self.weights.append(weight.copy())

    def watch(self, rows: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
        self.judged.append(weight)
        codes = CODES[rows]
        return abs(len(self.passes) - self.falling), np.eye(3)[np.where(codes == 1, 0, codes)]

    def network(self) -> Network:
        return Network([np.full((1, 1), len(self.passes))], [np.zeros(1)])


def run(engine: Recorder, epochs: int = 20, patience: int = 3, **changes: object) -> int:
    weight = np.where(CODES == 2, 5.0, 0.5)
    values = {"loss": CrossEntropyLoss(), "categorical": np.zeros(1, dtype=bool), "seed": 0} | changes
    task = FitTask(np.zeros((len(CODES), 1)), CODES, weight, 3, **values)  # type: ignore[arg-type]
    samples = Samples(np.zeros((len(CODES), 1), "f4"), CODES[:, None].astype("f4"), 3, False)
    rng = np.random.default_rng(0)
    best = train(engine, task, samples, Split.of(task, samples, rng), Schedule(epochs, patience), rng)
    return int(best.weights[0][0, 0])


def test_the_best_pass_is_kept_and_training_stops_after_it() -> None:
    engine = Recorder(falling=6)
    assert run(engine) == 6
    assert len(engine.passes) == 9


def test_a_class_of_few_rows_is_trained_on_whole() -> None:
    engine = Recorder()
    run(engine)
    assert np.bincount(CODES[engine.passes[0]]).tolist() == [108, 54, 8]
    assert all(len(np.unique(order)) == 170 for order in engine.passes)


def test_deferred_weights_hold_in_the_last_part_only() -> None:
    engine = Recorder()
    run(engine, epochs=20, deferred=0.8)
    assert len(engine.weights) == 20
    assert all((weight == 1).all() for weight in engine.weights[:16])
    assert all(set(np.unique(weight)) == {0.5, 5.0} for weight in engine.weights[16:])


def test_deferred_weights_come_when_the_first_part_stops_early() -> None:
    engine = Recorder(falling=4)
    run(engine, epochs=100, deferred=0.8)
    assert len(engine.weights) == 7 + 4
    assert (engine.weights[6] == 1).all()
    assert engine.weights[7].max() == 5


def test_weights_follow_the_recall_within_their_bounds(caplog: pytest.LogCaptureFixture) -> None:
    engine = Recorder()
    with caplog.at_level(logging.INFO, logger="steelyard"):
        run(engine, following=(0.5, 4.0))
    factors = np.array([weight[:, 0] / np.where(CODES == 2, 5.0, 0.5) for weight in engine.weights])
    assert (factors[0] == 1).all()
    missed, found = factors[:, CODES == 1][:, 0], factors[:, CODES == 0][:, 0]
    assert missed[1] == pytest.approx(np.exp(0.25) * 3 / (np.exp(0.25) + np.exp(-0.25) + 1), rel=1e-6)
    assert (np.diff(missed)[:3] > 0).all()
    assert missed.max() <= 4
    assert found.min() >= 0.25
    assert "class weights after validation 0" in caplog.text
    # What passes are compared by stays: each class counts the same.
    assert all(weight is engine.judged[0] for weight in engine.judged)


def test_watched_rows_weigh_what_drawing_makes_of_them() -> None:
    engine = Recorder()
    run(engine, sampling=Balanced())
    by_class = [float(engine.judged[0][code == CODES][0, 0]) for code in range(3)]
    share = len(CODES) / 3
    assert by_class == pytest.approx([0.5 * share / 120, 0.5 * share / 60, 5 * share / 8], rel=1e-6)


def test_rows_of_a_rare_label_are_not_held_out() -> None:
    labels = np.zeros((200, 2), np.float32)
    labels[:9, 0] = 1
    labels[:100, 1] = 1
    held = held_out_multilabel(labels, np.random.default_rng(0))
    assert held.sum() == 19
    assert not held[:9].any()


def test_following_needs_one_label_a_row() -> None:
    labels = np.eye(3)[CODES]
    task = FitTask(
        np.zeros((len(CODES), 1)), labels, np.ones(labels.shape), 3, CrossEntropyLoss(), np.zeros(1, dtype=bool), 0,
        following=(0.5, 4.0),
    )  # fmt: skip
    samples = Samples(np.zeros((len(CODES), 1), "f4"), labels.astype("f4"), 3, True)
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="validation_driven follows the recall of classes"):
        train(Recorder(), task, samples, Split.of(task, samples, rng), Schedule(2, 2), rng)

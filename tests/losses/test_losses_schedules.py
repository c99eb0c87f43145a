"""Weight schedules: bounded, logged, and the right weights in the right epoch."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest

import steelyard as sy
from steelyard.errors import UsageError
from steelyard.losses.schedules import Annealed, Constant, Deferred, Schedule, ValidationDriven

WEIGHTS = [0.5, 1.0, 3.0]


def test_deferred_and_constant() -> None:
    assert [Deferred(WEIGHTS, start=2).weights_at(epoch).tolist() for epoch in (0, 1, 2, 9)] == [
        [1, 1, 1],
        [1, 1, 1],
        WEIGHTS,
        WEIGHTS,
    ]
    assert Constant(sy.class_weights(["a", "b", "b"])).weights_at(0) == pytest.approx([1.5, 0.75])


@pytest.mark.parametrize(("shape", "quarter"), [("linear", 0.25), ("cosine", (1 - np.sqrt(0.5)) / 2)])
def test_annealed_moves_from_ones_to_the_weights(shape: str, quarter: float) -> None:
    schedule = Annealed(WEIGHTS, start=2, stop=6, shape=shape)
    assert schedule.weights_at(2).tolist() == [1, 1, 1]
    assert schedule.weights_at(3) == pytest.approx(1 + quarter * (np.array(WEIGHTS) - 1))
    assert schedule.weights_at(6) == pytest.approx(WEIGHTS)
    path = np.array([schedule.weights_at(epoch)[2] for epoch in range(10)])
    assert (np.diff(path) >= 0).all()


def test_weights_of_mean_one_keep_it() -> None:
    y = ["a"] * 90 + ["b"] * 10
    schedule = Annealed(sy.class_weights(y), stop=4)
    for epoch in range(6):
        assert schedule.weights_at(epoch) @ [0.9, 0.1] == pytest.approx(1)


def test_validation_raises_what_is_missed_within_bounds(caplog: pytest.LogCaptureFixture) -> None:
    schedule = ValidationDriven(WEIGHTS, rate=1.0, limit=2.0)
    with caplog.at_level(logging.INFO, "steelyard.losses.schedules"):
        new = schedule.update([0.9, 0.8, 0.1])
    assert new[2] > 3 > 0.5 > new[0]
    # By hand: mean recall .6, so the weights are multiplied by e^-.3, e^-.2 and e^.5, then their sum is made 4.5.
    raw = np.array(WEIGHTS) * np.exp([-0.3, -0.2, 0.5])
    assert new == pytest.approx(raw * 4.5 / raw.sum())
    assert "class weights after validation 0" in caplog.text
    for _ in range(100):
        new = schedule.update([0.9, 0.8, 0.0])
        assert (new <= 2 * np.array(WEIGHTS)).all()
        assert (new >= np.array(WEIGHTS) / 2).all()
    assert len(schedule.history) == 101


def test_equal_recall_changes_nothing_and_unseen_classes_do_not_spoil_it() -> None:
    assert ValidationDriven(WEIGHTS).update([0.4, 0.4, 0.4]) == pytest.approx(WEIGHTS)
    assert np.isfinite(ValidationDriven(WEIGHTS).update([0.9, np.nan, 0.1])).all()
    assert ValidationDriven(WEIGHTS).update([np.nan] * 3) == pytest.approx(WEIGHTS)


def test_state_goes_through_json() -> None:
    schedule = ValidationDriven(WEIGHTS)
    schedule.update([0.9, np.nan, 0.1])
    again = ValidationDriven(WEIGHTS)
    again.load_state_dict(json.loads(json.dumps(schedule.state_dict())))
    assert again.weights_at(1).tolist() == schedule.weights_at(1).tolist()
    assert again.update([0.5, 0.5, 0.1]).tolist() == schedule.update([0.5, 0.5, 0.1]).tolist()


def test_a_schedule_sets_the_weights_of_a_loss() -> None:
    torch = pytest.importorskip("torch")
    loss = sy.losses.CrossEntropy()
    z, y = torch.zeros(3, 3), torch.arange(3)
    for epoch, mean in ((0, 1.0), (1, 1.5)):
        Deferred(WEIGHTS, start=1).apply(loss, epoch)
        assert loss(z, y).item() == pytest.approx(mean * np.log(3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant([1.0, -1.0]), "none below 0"),
        (lambda: Constant([0.0, 0.0]), "none below 0"),
        (lambda: Annealed(WEIGHTS, start=3, stop=3), "stop must be after start"),
        (lambda: Annealed(WEIGHTS, stop=3, shape="stairs"), "'linear' or 'cosine'"),
        (lambda: ValidationDriven(WEIGHTS, rate=0.0), "rate must be above 0"),
        (lambda: ValidationDriven(WEIGHTS, limit=1.0), "limit must be above 1"),
        (lambda: ValidationDriven(WEIGHTS).update([0.5]), "3 numbers from 0 to 1"),
        (lambda: ValidationDriven(WEIGHTS).update([0.5, 2.0, 0.1]), "3 numbers from 0 to 1"),
    ],
)
def test_bad_input(make: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()  # type: ignore[operator]


def test_all_schedules_begin_and_stay_finite() -> None:
    for schedule in (Constant(WEIGHTS), Deferred(WEIGHTS, start=1), Annealed(WEIGHTS, stop=2)):
        assert isinstance(schedule, Schedule)
        assert all(np.isfinite(schedule.weights_at(epoch)).all() for epoch in range(4))

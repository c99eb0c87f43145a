"""Fits of all folds side by side: the scores are those of fits by themselves, and are found again in the record."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import steelyard as sy
from steelyard.engine import EngineData, FitPlan, Training, fit_many, stacked
from steelyard.features import TableSchema
from steelyard.models import parse_model
from steelyard.models.mlp import Mlp
from steelyard.strategy import Strategy
from steelyard.study import make_folds

torch = pytest.importorskip("torch")

MLP = "mlp(hidden=8, dropout=0.2, epochs=5)"
STRATEGIES = ["do_nothing", "inverse", "balanced", "focal(gamma=2)", "oversample", "inverse(defer=0.5) + ldam"]


@pytest.fixture
def data() -> EngineData:
    rng = np.random.default_rng(0)
    codes = rng.permutation(np.repeat([0, 1, 2], [150, 60, 24]))
    frame = pl.DataFrame({"a": rng.normal(size=234) + codes, "b": rng.normal(size=234), "c": rng.choice([*"uvw"], 234)})
    schema = TableSchema.infer(frame)
    return EngineData(schema.extract(frame), schema, codes, tuple("xyz"), make_folds(codes, 3, seed=0), 0)


@pytest.fixture
def plans() -> list[FitPlan]:
    return [
        FitPlan(Training.of(Strategy.parse(strategy), parse_model(model)), 0, fold)
        for model, strategies in ((MLP, STRATEGIES), ("linear", STRATEGIES[:2]))
        for strategy in strategies
        for fold in range(3)
    ]


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Stack on the processor what a GPU would; gives how many fits were trained at a time."""
    sizes: list[int] = []

    def counted(self: Mlp, tasks, device: str):
        sizes.append(len(tasks))
        return original(self, tasks, device)

    original = Mlp._fit_stacked
    monkeypatch.setattr(Mlp, "_fit_stacked", counted)
    monkeypatch.setattr(Mlp, "stack_device", lambda self, *_: None if self.device == "cpu" else "cpu")
    return sizes


def scores(data: EngineData, plans: list[FitPlan], **options: object) -> dict[FitPlan, np.ndarray]:
    return {outcome.plan: outcome.proba for outcome in fit_many(plans, data, **options)}  # type: ignore[arg-type]


def test_all_folds_are_trained_at_once_and_give_what_they_give_alone(data, plans, stack, monkeypatch) -> None:
    together = scores(data, plans)
    assert stack == [18]
    monkeypatch.setattr(Mlp, "stack_device", lambda self, *_: None)
    alone = scores(data, plans)
    assert set(together) == set(alone) == set(plans)
    for plan in plans:
        np.testing.assert_allclose(together[plan], alone[plan], atol=1e-3)
    assert stack == [18]


def test_neither_jobs_nor_room_nor_order_change_what_is_found(data, plans, stack, monkeypatch) -> None:
    own = [plan for plan in plans if str(plan.training.model) == MLP]
    assert len(own) == 18
    first, jobs = scores(data, own), scores(data, own, n_jobs=2)
    assert all(np.array_equal(first[plan], jobs[plan]) for plan in own)
    stack.clear()
    ordered = list(fit_many(plans, data, stop=lambda: False))
    assert stack == [3] * 6
    assert [outcome.plan.training for outcome in ordered] == [plan.training for plan in plans]
    monkeypatch.setattr(stacked, "ROOM", 1)
    stack.clear()
    small = scores(data, own)
    assert stack == [6] * 3
    in_order = {outcome.plan: outcome.proba for outcome in ordered}
    for plan in own:
        np.testing.assert_allclose(in_order[plan], first[plan], atol=1e-3)
        np.testing.assert_allclose(small[plan], first[plan], atol=1e-3)


def test_folds_of_one_class_need_no_stack(data, plans, stack) -> None:
    codes = data.codes % 2
    halves = replace(data, codes=codes, classes=("x", "y"), folds=codes[None].copy())
    own = [plan for plan in plans if plan.fold < 2 and str(plan.training.model).startswith("mlp")]
    found = scores(halves, own)
    assert len(found) == 2 * len(STRATEGIES)
    # Fold 0 holds the rows of class 0, so that its fits have seen class 1 only.
    assert all((proba == [plan.fold == 1, plan.fold == 0]).all() for plan, proba in found.items())


def test_a_study_says_on_what_it_was_trained(stack) -> None:
    rng = np.random.default_rng(0)
    y = rng.choice(["common", "rare"], p=[0.8, 0.2], size=120)
    X = rng.normal(size=(120, 3)) + (y == "rare")[:, None]
    found = {}
    for model in ("mlp(hidden=4, epochs=2)", "mlp(hidden=4, epochs=2, device=cpu)"):
        result = sy.run_study(X, y, models=model, strategies="inverse", folds=2)
        found[model] = result.record["environment"]["device"]
    assert list(found.values()) == [
        f"cpu, PyTorch {torch.__version__}: mlp(hidden=4, epochs=2); the rest: cpu", "cpu",
    ]  # fmt: skip

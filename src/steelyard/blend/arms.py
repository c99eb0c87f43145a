"""The arms that ``auto`` tries: what is most useful first, so that a time limit cuts the least useful."""

from __future__ import annotations

from collections.abc import Sequence

from steelyard.engine import Training
from steelyard.models import Model, parse_model
from steelyard.strategy import Strategy

_SMALL = "num_leaves=7, min_child_samples=5, reg_lambda=5, colsample_bytree=0.5, subsample=0.7, onehot=true"

#: Strategy and model, for ``mode="fast"``.
FAST = (
    ("inverse", "linear"),
    ("sqrt", f"boosting({_SMALL})"),
    ("inverse", "extra_trees"),
)
#: And those that ``mode="full"`` adds.
MORE = (
    ("", "lda"),
    ("inverse", "forest"),
    ("", "balanced_forest"),
    ("", "boosting"),
    ("", "linear"),
    ("inverse", "nystroem"),
    ("", "mlp(hidden=128, epochs=60)"),
    ("inverse", "boosting(onehot=true)"),
)
#: What a strategy of the user's own is tried on, and what is tried on a model of the user's own.
MODELS = ("linear", "boosting", "extra_trees", "forest", "mlp")
STRATEGIES = ("", "inverse", "sqrt")


def auto_trainings(mode: str) -> list[Training]:
    """Trainings of ``model="auto", strategy="auto"``."""
    return [_training(strategy, parse_model(model)) for strategy, model in (FAST if mode == "fast" else FAST + MORE)]


def trainings_of(models: Sequence[Model] | None, strategy: Strategy | None, mode: str) -> list[Training]:
    """Trainings where a model or a strategy is given, or both."""
    if models is None and strategy is None:
        return auto_trainings(mode)
    if models is None:
        models = [parse_model(text) for text in (MODELS[:3] if mode == "fast" else MODELS)]
    if strategy is None:
        return [_training(text, model) for model in models for text in STRATEGIES]
    fitting = [model for model in models if model.any_loss or "loss" not in strategy.active()]
    return [Training.of(strategy, model) for model in fitting]


def _training(strategy: str, model: Model) -> Training:
    return Training.of(Strategy.parse(strategy) if strategy else Strategy(), model)

"""The arms that ``auto`` tries: what is most useful first, so that a time limit cuts the least useful."""

from __future__ import annotations

from collections.abc import Sequence

from steelyard.engine import Training
from steelyard.models import Model, parse_model
from steelyard.strategy import Strategy

Arms = tuple[tuple[str, str], ...]

_SMALL = (
    "num_leaves=7, min_child_samples=5, reg_lambda=5, colsample_bytree=0.5, subsample=0.7, onehot=true, max_bin={bins}"
)
#: Twice the rounds, and leaves of few rows: what a single boosted model does best with, if it is held by a penalty.
_LONG = (
    "n_estimators=200, num_leaves=15, min_child_samples=5, reg_lambda=1, colsample_bytree=0.7, subsample=0.8, "
    "onehot=true, max_bin={bins}"
)
#: Boosting grows a tree for each class in each round. On few rows of many classes that is most of the time of all
#: arms and gives little, and coarse steps lose nothing.
_FEW_ROWS, _MANY_CLASSES = 1000, 10

_SMALL_ARM = ("sqrt", f"boosting({_SMALL})")

#: Strategy and model, for ``mode="fast"``: one of each kind.
FAST: Arms = (
    ("inverse", "linear"),
    ("", f"boosting({_LONG})"),
    ("", "mlp(hidden=128, epochs=60)"),
    ("inverse", "extra_trees(n_estimators=100)"),
)
#: For ``mode="full"``. The longer boosting brought nothing that could be told from chance here.
FULL: Arms = (
    ("inverse", "linear"),
    _SMALL_ARM,
    ("inverse", "extra_trees"),
    ("", "extra_trees"),
    ("", "lda"),
    ("inverse", "forest"),
    ("", "balanced_forest"),
    ("", "boosting(max_bin={bins})"),
    ("", "linear"),
    ("inverse", "nystroem"),
    ("", "mlp(hidden=128, epochs=60)"),
    ("inverse", "boosting(onehot=true, max_bin={bins})"),
)
#: Under a time limit the strongest of each kind come first, so that what there is time for is a mixture of kinds.
_FIRST = (
    ("inverse", "linear"),
    ("inverse", "boosting(onehot=true, max_bin={bins})"),
    ("", "mlp(hidden=128, epochs=60)"),
    ("inverse", "extra_trees"),
)
#: What a strategy of the user's own is tried on, and what is tried on a model of the user's own.
MODELS = ("linear", "boosting", "extra_trees", "forest", "mlp")
STRATEGIES = ("", "inverse", "sqrt")


def auto_trainings(mode: str, n_rows: int, n_classes: int, *, limited: bool = False) -> list[Training]:
    """Trainings of ``model="auto", strategy="auto"``.

    Parameters
    ----------
    mode : {"full", "fast"}
    n_rows, n_classes : int
        Size of the table, which some arms are not for.
    limited : bool
        Whether they are for a time limit, under which they are tried one after the other.
    """
    arms = FAST if mode == "fast" else FULL
    if limited:
        arms = tuple(sorted(arms, key=lambda arm: _FIRST.index(arm) if arm in _FIRST else len(_FIRST)))
    if n_rows < _FEW_ROWS and n_classes >= _MANY_CLASSES:
        arms = tuple(arm for arm in arms if arm == _SMALL_ARM or "boosting" not in arm[1])
        arms = arms if _SMALL_ARM in arms else (*arms[:1], _SMALL_ARM, *arms[1:])
    bins = "63" if n_rows < 2 * _FEW_ROWS else "255"
    return [_training(strategy, parse_model(model.replace("{bins}", bins))) for strategy, model in arms]


def trainings_of(
    models: Sequence[Model] | None,
    strategy: Strategy | None,
    mode: str,
    n_rows: int,
    n_classes: int,
    *,
    limited: bool = False,
) -> list[Training]:
    """Trainings where a model or a strategy is given, or both, or none; the most useful first."""
    if models is None and strategy is None:
        return auto_trainings(mode, n_rows, n_classes, limited=limited)
    if models is None:
        models = [parse_model(text) for text in (MODELS[:3] if mode == "fast" else MODELS)]
    if strategy is None:
        return [_training(text, model) for model in models for text in STRATEGIES]
    fitting = [model for model in models if model.any_loss or "loss" not in strategy.active()]
    return [Training.of(strategy, model) for model in fitting]


def _training(strategy: str, model: Model) -> Training:
    return Training.of(Strategy.parse(strategy) if strategy else Strategy(), model)

"""LightGBM: training with its own objective or any loss, and what a trained one is to Steelyard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.models._base import Array, ModelState, spread
from steelyard.models._margins import Codes, MarginLoss, probabilities_of

#: Largest value of a leaf, before the learning rate, for losses other than LightGBM's own. Where a loss fades out, as
#: focal loss does on rows that are right, one wrong row can be all there is in a leaf, and LightGBM has no penalty
#: that would hold it: focal trees diverged on a real table. Cross-entropy seldom gets there.
LONGEST_STEP = 10.0


def hessian_factor(n_classes: int) -> float:
    """What LightGBM multiplies the second derivatives of its softmax objective by: k / (k - 1)."""
    return n_classes / (n_classes - 1) if n_classes > 2 else 1.0


def train(
    X: Any,
    codes: Codes,
    weight: Array,
    n_classes: int,
    parameters: dict[str, Any],
    rounds: int,
    *,
    loss: MarginLoss | None = None,
    categorical: Sequence[int] = (),
    keep: bool = False,
) -> Any:
    """Trained ``lightgbm.Booster``, whose margins include the start.

    Parameters
    ----------
    X : array or sparse matrix of shape (n_rows, n_columns)
    codes : ndarray of shape (n_rows,)
        From 0 to ``n_classes - 1``.
    weight : ndarray of shape (n_rows,)
    n_classes : int
    parameters : dict
        LightGBM's, without objective and number of classes.
    rounds : int
    loss : MarginLoss, optional
        By default cross-entropy, by LightGBM's own objective. With another loss ``max_delta_step`` is 10 unless the
        parameters say otherwise.
    categorical : sequence of int
        Positions of the columns that hold categories.
    keep : bool, default False
        Give the booster as it was trained, with its binned rows. LightGBM would write it as text and read it again,
        which takes longer than to train it on a few hundred rows.
    """
    import lightgbm

    named = {"objective": "binary"} if n_classes == 2 else {"objective": "multiclass", "num_class": n_classes}
    data: dict[str, Any] = {
        "label": codes,
        "weight": weight,
        "categorical_feature": list(categorical),
        "params": {"verbosity": parameters.get("verbosity", 1)},
    }
    if loss is None or _constant_columns(X):
        rows = lightgbm.Dataset(X, **data)
        booster = lightgbm.train({**parameters, **named}, rows, rounds, keep_training_booster=keep)
        if loss is not None:
            # LightGBM cannot begin with an objective of others where no column can be split; the tree without
            # branches that its own objective makes holds the constant.
            _set_constants(booster, loss.start)
        return booster

    def objective(margins: Array, dataset: Any) -> tuple[Array, Array]:
        return loss.derivatives(margins, codes, weight)

    start = np.tile(loss.start, (len(codes), 1)) if n_classes > 2 else np.full(len(codes), loss.start[0])
    # Columns left out beforehand may be all of them, which is the same dead end.
    data["params"]["feature_pre_filter"] = False
    booster = lightgbm.train(
        {"max_delta_step": LONGEST_STEP, **parameters, **named, "objective": objective, "feature_pre_filter": False},
        lightgbm.Dataset(X, init_score=start, **data),
        rounds,
        keep_training_booster=keep,
    )
    add_start(booster, loss.start)
    return booster


def add_start(booster: Any, start: Array) -> None:
    """Put the start into the first tree of each class, where LightGBM's own objectives put theirs."""
    for tree, value in enumerate(start):
        leaves = int(booster.dump_model(num_iteration=1)["tree_info"][tree]["num_leaves"])
        for leaf in range(leaves):
            booster.set_leaf_output(tree, leaf, booster.get_leaf_output(tree, leaf) + value)


def _set_constants(booster: Any, start: Array) -> None:
    for tree, value in enumerate(start):
        booster.set_leaf_output(tree, 0, value)


def _constant_columns(X: Any) -> bool:
    if hasattr(X, "tocsc"):
        X = X.tocsc()
        return all(len(np.unique(X[:, [k]].toarray())) < 2 for k in range(X.shape[1]))
    first = X[:1]
    return bool(np.all((first == X) | (np.isnan(X) & np.isnan(first))))


@dataclass(frozen=True)
class FittedLightGBM:
    """A trained LightGBM booster; it is saved, and handed to other processes, in LightGBM's own text format."""

    booster: Any
    present: NDArray[np.int64]
    n_classes: int

    def predict_proba(self, X: Array) -> Array:
        """Probabilities (n_rows, n_classes)."""
        # With an objective of ours LightGBM knows no link from margins to probabilities.
        margins = np.asarray(self.booster.predict(X, num_threads=1, raw_score=True))
        return spread(probabilities_of(margins), self.present, self.n_classes)

    def to_state(self) -> ModelState:
        """Arrays from which the model is made again."""
        as_bytes = np.frombuffer(self.booster.model_to_string().encode("utf-8"), dtype=np.uint8)
        return ModelState({"n_classes": self.n_classes}, {"booster": as_bytes, "present": self.present})

    @classmethod
    def from_state(cls, state: ModelState) -> FittedLightGBM:
        """Model from its state."""
        import lightgbm

        text = state.arrays["booster"].tobytes().decode("utf-8")
        return cls(lightgbm.Booster(model_str=text), state.arrays["present"], int(state.meta["n_classes"]))

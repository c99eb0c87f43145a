"""Recall of each class from what a model gave, for the loops' callbacks."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from steelyard.integrations._strategy_loss import StrategyLoss

#: What Transformers and PyTorch put where there is no target.
IGNORED = -100


def hits_and_support(scores: NDArray[Any], labels: NDArray[Any], loss: StrategyLoss) -> NDArray[np.float64]:
    """Rows (or tokens) of each class that were found, and all of them: shape (2, n_classes).

    Parameters
    ----------
    scores : ndarray
        Logits of shape (..., n_classes), or class indices of the labels' shape.
    labels : ndarray
        Class indices, -100 where there is no target; with many labels a row 0 or 1, NaN or -100 where not known.
    loss : StrategyLoss
        Says how many classes there are, and whether rows have many labels.
    """
    n_classes = len(loss.classes)
    if loss.multilabel:
        positive = labels.reshape(-1, n_classes) > 0.5  # neither NaN nor -100 is
        found = (scores.reshape(-1, n_classes) > 0) & positive
        return np.stack([found.sum(0), positive.sum(0)]).astype(np.float64)
    classes = scores if scores.shape == labels.shape and scores.dtype.kind in "iu" else scores.argmax(-1)
    valid = labels != IGNORED
    true, predicted = labels[valid], classes[valid]
    right = np.bincount(true[true == predicted], minlength=n_classes)
    return np.stack([right, np.bincount(true, minlength=n_classes)]).astype(np.float64)


def recall_of(counted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Recall of each class; NaN where it has no rows."""
    recall: NDArray[np.float64] = np.full(counted.shape[1], np.nan)
    np.divide(counted[0], counted[1], out=recall, where=counted[1] > 0)
    return recall


def class_recall(scores: NDArray[Any], labels: NDArray[Any], loss: StrategyLoss) -> NDArray[np.float64]:
    """Recall of each class; NaN where it has no rows."""
    return recall_of(hits_and_support(scores, labels, loss))


def recall_by_name(recall: NDArray[np.float64], classes: Sequence[Hashable]) -> dict[str, float]:
    """Metrics ``recall_<class>`` of the classes that have rows, and their mean ``macro_recall``."""
    found = {f"recall_{name}": float(value) for name, value in zip(classes, recall, strict=True) if value == value}
    if found:
        found["macro_recall"] = float(np.nanmean(recall))
    return found

"""What a model is to the engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from steelyard.component import Component, component
from steelyard.losses import Loss
from steelyard.samplers import Sampling, Shuffled

Array = NDArray[np.float64]
Encoding = Literal["onehot", "ordinal", "normal", "raw"]


@dataclass(frozen=True)
class FitTask:
    """One fit: the rows, what they weigh, and how.

    Parameters
    ----------
    X : ndarray or scipy.sparse.csr_array of shape (n_rows, n_columns)
        Encoded training rows, float64; missing values are NaN in the ordinal encoding only. Sparse only for a model
        whose ``sparse`` is true. For the raw encoding objects, shape (n_rows,): texts, paths or tokens.
    codes : ndarray of int64, shape (n_rows,), or of float64, shape (n_rows, n_classes)
        Class of each row, 0 to ``n_classes - 1``. With several labels for a row: 1 where a label holds, 0 where it
        does not, NaN where it is not known.
    sample_weight : ndarray of shape (n_rows,), or (n_rows, n_classes) with several labels
        Weight of each row, or of each of its labels; the mean is about 1.
    n_classes : int
        Number of classes, those without a training row included.
    loss : Loss
        What is minimised.
    categorical : ndarray of bool, shape (n_columns,)
        Columns that hold codes of categories.
    seed : int
        Seed of every random choice of the fit.
    sampling : Sampling
        Which of the rows are seen in each pass. Only a model that makes several passes gets another one than the
        neutral ``shuffled``; for the others the rows have been drawn already.
    deferred : float, default 0
        Share of the passes that go by before ``sample_weight`` holds.
    following : (float, float), optional
        Rate and limit at which class weights follow the recall on held-out rows. Only a model that makes several
        passes gets either of these.
    families : ndarray of int64, shape (n_columns,), optional
        Columns of one origin have one number, counted from 0; None puts all in one family.
    """

    X: Array
    codes: NDArray[Any]
    sample_weight: Array
    n_classes: int
    loss: Loss
    categorical: NDArray[np.bool_]
    seed: int
    sampling: Sampling = field(default_factory=Shuffled)
    deferred: float = 0.0
    following: tuple[float, float] | None = None
    families: NDArray[np.int64] | None = None

    @property
    def multilabel(self) -> bool:
        """Whether a row may have several labels."""
        return self.codes.ndim == 2


@dataclass(frozen=True)
class ModelState:
    """A fitted model as plain data.

    Parameters
    ----------
    meta : dict
        JSON values.
    arrays : dict of ndarray
    foreign : object, optional
        A scikit-learn object, or a list of them.
    write : callable, optional
        Writes further files into the folder that it is given, in a form of their own that holds no code.
    folder : Path, optional
        Where those files are, when a model is restored.
    """

    meta: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    foreign: Any = None
    write: Callable[[Path], None] | None = None
    folder: Path | None = None


class FittedModel(Protocol):
    """A trained model."""

    def predict_proba(self, X: Array) -> Array:
        """Probabilities (n_rows, n_classes); a class without training rows has 0.

        They sum to 1 over the classes, except where a row may have several labels: there each stands for itself.
        """

    def to_state(self) -> ModelState:
        """Plain data from which :meth:`Model.restore` makes the same model."""


@component
class Model(Component):
    """Something that learns from encoded rows."""

    kind: ClassVar[str] = "model"
    #: The encoding of a table it wants: "onehot", "ordinal", "normal" (normal scores), or "raw" for one that reads
    #: texts and files itself.
    encoding: ClassVar[Encoding] = "onehot"
    #: Whether it can minimise any loss of the loss slot, or cross-entropy only.
    any_loss: ClassVar[bool] = False
    #: Whether it passes over the rows several times, and draws them anew each time.
    draws: ClassVar[bool] = False
    #: Whether two of its rows can be mixed into one, where it makes several passes.
    mixes: ClassVar[bool] = True
    #: Whether it can make cosines for a loss that expects them.
    cosines: ClassVar[bool] = False
    #: Whether it learns rows with several labels, and rows in a sparse matrix.
    multilabel: ClassVar[bool] = False
    sparse: ClassVar[bool] = False

    #: Whether its fits release the interpreter's lock, so that threads do for it what processes do for others.
    threads: ClassVar[bool] = False
    #: Whether its fits use all processors, or the accelerator, by themselves: they stay in this process, one by one.
    alone: ClassVar[bool] = False
    #: Whether ``fit_many`` is faster than one fit after the other.
    together: ClassVar[bool] = False

    def check(self, X: Any = None) -> None:
        """Raise what would keep it from being trained, as far as that can be told beforehand.

        Parameters
        ----------
        X : ndarray, optional
            Some encoded rows, once there are any.
        """

    def fit_many(self, tasks: Sequence[FitTask]) -> list[FittedModel]:
        """Train on tasks that share one ``X``; a model that can train many at once does so here.

        What a task gives does not depend on the tasks beside it, save for the last digits on a GPU.
        """
        return [self.fit(task) for task in tasks]

    def fit(self, task: FitTask) -> FittedModel:
        """Train on one task; deterministic for a given seed."""
        raise NotImplementedError

    def warm_up(self, n_rows: int, n_columns: int, n_classes: int, multilabel: bool) -> None:
        """Compile or load what fits of at least this size would wait for; called beside other work."""

    def expected_seconds(self, n_rows: int, n_columns: int, n_classes: int) -> float:
        """About how long a fit takes on one processor, at most; infinite where the model cannot tell."""
        return math.inf

    def restore(self, state: ModelState) -> FittedModel:
        """Fitted model from its state."""
        raise NotImplementedError

    def stack_device(self, n_fits: int, n_rows: int, n_columns: int) -> str | None:
        """Device on which fits of so many rows and columns are trained side by side; None for most models.

        Where there is one, ``fit_many`` takes the tasks of all folds at once: they need not share one ``X``.

        Raises
        ------
        UsageError
            When a device was asked for that is not there.
        """
        return None


def spread(proba: Array, present: NDArray[np.int64], n_classes: int) -> Array:
    """Probabilities over all classes from those over the classes a model was trained on."""
    out = np.zeros((len(proba), n_classes))
    out[:, present] = proba
    return out

"""What is learned: one label a row, or several. All that training has to know of the difference is here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.engine.facts import TrainingFacts
from steelyard.engine.plan import Training
from steelyard.errors import DataError, UsageError
from steelyard.models import FitTask, FittedModel, Model, ModelState, fit_labels
from steelyard.samplers import Shuffled
from steelyard.weighting import sample_weights

Array = NDArray[np.float64]


class OnlyClass:
    """Stands in for a model where the training rows have one class only."""

    def __init__(self, code: int, n_classes: int) -> None:
        self.code, self.n_classes = code, n_classes

    def predict_proba(self, X: Array) -> Array:
        """All probability on the one class there was."""
        out = np.zeros((X.shape[0], self.n_classes))
        out[:, self.code] = 1.0
        return out

    def to_state(self) -> ModelState:
        """Not reached: a study needs two classes, so only the fit of a fold can end here."""
        raise DataError("a model of one class cannot be saved")


@dataclass(frozen=True)
class Targets(ABC):
    """Labels of training rows.

    Parameters
    ----------
    codes : ndarray
        As in ``EngineData``.
    classes : tuple
        Names, in the order of the codes.
    """

    codes: NDArray[Any]
    classes: tuple[object, ...]

    @abstractmethod
    def facts(self, training: Training) -> TrainingFacts:
        """Counts and weights of a training on these rows."""

    @abstractmethod
    def rows(self, training: Training, X: Array, seed: int) -> tuple[Array, NDArray[Any], Array, Any]:
        """Rows to train on, their codes and weights, and the sampling that is left to the model."""

    @abstractmethod
    def fit(self, model: Model, tasks: Sequence[FitTask]) -> list[FittedModel]:
        """Models of tasks that share their rows."""

    def without_choice(self) -> FittedModel | None:
        """What is given in place of a model where there is nothing to tell apart."""
        return None


class OneLabel(Targets):
    """Each row has one label."""

    @property
    def _counts(self) -> NDArray[np.int64]:
        return np.bincount(self.codes, minlength=len(self.classes))

    def facts(self, training: Training) -> TrainingFacts:
        """Counts and weights of a training on these rows."""
        counts = self._counts
        return TrainingFacts(counts, training.weighting.values(self.classes, counts) * training.sampling.rates(counts))

    def rows(self, training: Training, X: Array, seed: int) -> tuple[Array, NDArray[Any], Array, Any]:
        """Rows drawn here, unless the model draws them anew in each pass."""
        weights = training.weighting.values(self.classes, self._counts)
        codes, sampling, neutral = self.codes, training.sampling, Shuffled()
        if sampling != neutral and (not training.model.draws or sampling.synthetic):
            X, codes = sampling.resample(X, codes, len(self.classes), np.random.default_rng(seed))
            sampling = neutral
        return X, codes, weights[codes], sampling

    def fit(self, model: Model, tasks: Sequence[FitTask]) -> list[FittedModel]:
        """Models of tasks that share their rows."""
        return model.fit_many(tasks)

    def without_choice(self) -> FittedModel | None:
        """The one class there is."""
        counts = self._counts
        return OnlyClass(int(counts.argmax()), len(self.classes)) if np.count_nonzero(counts) == 1 else None


class SeveralLabels(Targets):
    """A row may have several labels; what is not known of it is neither trained on nor counted."""

    def facts(self, training: Training) -> TrainingFacts:
        """Counts and weights of a training on these rows."""
        known = (~np.isnan(self.codes)).sum(axis=0)
        counts = (self.codes == 1).sum(axis=0)
        return TrainingFacts(counts, training.weighting.label_values(self.classes, counts, known), known)

    def rows(self, training: Training, X: Array, seed: int) -> tuple[Array, NDArray[Any], Array, Any]:
        """All rows; each of their labels has its own weight."""
        if training.sampling != Shuffled():
            raise UsageError(f"the sampling {training.sampling} needs one class for each row, and these have several")
        weights = dict(enumerate(self.facts(training).weights.tolist()))
        return X, self.codes, sample_weights(self.codes, weights, per="label"), training.sampling

    def fit(self, model: Model, tasks: Sequence[FitTask]) -> list[FittedModel]:
        """Models of tasks that share their rows: one for each label where the model or the loss knows only one."""
        several = [model.multilabel and task.loss.multilabel for task in tasks]
        native = iter(model.fit_many([task for task, own in zip(tasks, several, strict=True) if own]))
        split = iter(fit_labels(model, [task for task, own in zip(tasks, several, strict=True) if not own]))
        return [next(native) if own else next(split) for own in several]


def targets_of(codes: NDArray[Any], classes: tuple[object, ...]) -> Targets:
    """Targets of rows with one label, or with several."""
    return (SeveralLabels if codes.ndim == 2 else OneLabel)(codes, classes)


def training_facts(training: Training, codes: NDArray[Any], classes: tuple[object, ...]) -> TrainingFacts:
    """Counts and class weights of a training on rows of these classes."""
    return targets_of(codes, classes).facts(training)

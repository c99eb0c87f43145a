"""One fit, from raw rows to a trained pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelyard.engine.plan import Training
from steelyard.errors import DataError
from steelyard.features import FittedEncoder, TableMatrix, TableSchema
from steelyard.models import FitTask, FittedModel, ModelState
from steelyard.samplers import Shuffled

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TrainingFacts:
    """What later stages need to know of the rows a model was trained on.

    Parameters
    ----------
    counts : ndarray of shape (n_classes,)
        Training rows of each class, before sampling.
    weights : ndarray of shape (n_classes,)
        What each class weighed in training, by weighting and by sampling together.
    """

    counts: NDArray[np.int64]
    weights: Array

    @property
    def priors(self) -> Array:
        """Class shares of the training rows."""
        shares: Array = self.counts / self.counts.sum()
        return shares


@dataclass(frozen=True)
class FittedPipeline:
    """An encoder and the model trained on what it gives."""

    encoder: FittedEncoder
    model: FittedModel

    def predict_proba(self, matrix: TableMatrix) -> Array:
        """Probabilities (n_rows, n_classes) of raw rows."""
        return self.model.predict_proba(self.encoder.transform(matrix))


class OnlyClass:
    """Stands in for a model where the training rows have one class only."""

    def __init__(self, code: int, n_classes: int) -> None:
        self.code, self.n_classes = code, n_classes

    def predict_proba(self, X: Array) -> Array:
        """All probability on the one class there was."""
        out = np.zeros((len(X), self.n_classes))
        out[:, self.code] = 1.0
        return out

    def to_state(self) -> ModelState:
        """Not reached: a study needs two classes, so only the fit of a fold can end here."""
        raise DataError("a model of one class cannot be saved")


def training_facts(training: Training, codes: NDArray[np.int64], classes: tuple[object, ...]) -> TrainingFacts:
    """Counts and class weights of a training on rows of these classes."""
    counts = np.bincount(codes, minlength=len(classes))
    weights = training.weighting.values(classes, counts) * training.sampling.rates(counts)
    return TrainingFacts(counts, weights)


def encode(training: Training, matrix: TableMatrix, schema: TableSchema) -> tuple[FittedEncoder, Array]:
    """Encoder of the model's kind fitted on these rows, and the rows encoded."""
    encoder = training.encoder.fit(matrix, schema)
    return encoder, encoder.transform(matrix)


def fit_encoded(
    trainings: Sequence[Training],
    encoder: FittedEncoder,
    X: Array,
    codes: NDArray[np.int64],
    classes: tuple[object, ...],
    seed: int,
) -> list[FittedModel]:
    """Train on encoded rows: draw them, weigh them, fit.

    The trainings are of one model; those that see the same rows are fitted in one call.
    """
    counts = np.bincount(codes, minlength=len(classes))
    if np.count_nonzero(counts) == 1:
        return [OnlyClass(int(counts.argmax()), len(classes)) for _ in trainings]
    tasks = [_task(training, encoder, X, codes, classes, seed) for training in trainings]
    model = trainings[0].model
    fitted: list[FittedModel | None] = [None] * len(tasks)
    for places in _sharing_rows(tasks):
        for place, found in zip(places, model.fit_many([tasks[place] for place in places]), strict=True):
            fitted[place] = found
    return [found for found in fitted if found is not None]


def _sharing_rows(tasks: Sequence[FitTask]) -> list[list[int]]:
    together: dict[int, list[int]] = {}
    for place, task in enumerate(tasks):
        together.setdefault(id(task.X), []).append(place)
    return list(together.values())


def _task(
    training: Training,
    encoder: FittedEncoder,
    X: Array,
    codes: NDArray[np.int64],
    classes: tuple[object, ...],
    seed: int,
) -> FitTask:
    counts = np.bincount(codes, minlength=len(classes))
    sampling = training.sampling
    neutral = Shuffled()
    if sampling != neutral and (not training.model.draws or sampling.synthetic):
        X, codes = sampling.resample(X, codes, len(classes), np.random.default_rng(seed))
        sampling = neutral
    return FitTask(
        X=X,
        codes=codes,
        sample_weight=training.weighting.values(classes, counts)[codes],
        n_classes=len(classes),
        loss=training.loss,
        categorical=encoder.categorical_mask,
        seed=seed,
        sampling=sampling,
        deferred=training.weighting.defer if training.model.draws else 0.0,
        following=training.weighting.following if training.model.draws else None,
    )


def fit_pipeline(
    training: Training,
    matrix: TableMatrix,
    schema: TableSchema,
    codes: NDArray[np.int64],
    classes: tuple[object, ...],
    seed: int,
) -> FittedPipeline:
    """Train on all given rows."""
    from threadpoolctl import threadpool_limits

    # One thread: sums in another order would give other last digits.
    with threadpool_limits(1):
        encoder, X = encode(training, matrix, schema)
        model = fit_encoded([training], encoder, X, codes, classes, seed)[0]
        return FittedPipeline(encoder, model)

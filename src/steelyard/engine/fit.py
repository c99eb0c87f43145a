"""One fit, from raw rows to a trained pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.engine.plan import Training
from steelyard.engine.targets import Targets, targets_of
from steelyard.errors import UsageError
from steelyard.features import FittedEncoder, TableMatrix, TableSchema
from steelyard.models import FitTask, FittedModel, Model

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FittedPipeline:
    """An encoder and the model trained on what it gives."""

    encoder: FittedEncoder
    model: FittedModel

    def predict_proba(self, matrix: TableMatrix) -> Array:
        """Probabilities (n_rows, n_classes) of raw rows."""
        return self.model.predict_proba(self.encoder.transform(matrix))


def encode(training: Training, matrix: TableMatrix, schema: TableSchema) -> tuple[FittedEncoder, Array]:
    """Encoder of the model's kind fitted on these rows, and the rows encoded."""
    encoder = training.encoder.fit(matrix, schema)
    return encoder, encoder.transform(matrix)


@dataclass(frozen=True)
class Prepared:
    """Trainings of one model on the encoded rows of one fold, ready to be fitted.

    Parameters
    ----------
    targets : Targets
    n_fits : int
    tasks : list of FitTask
        One for each fit; none where the rows have one class only, and ``constant`` stands for every model.
    constant : FittedModel, optional
    """

    targets: Targets
    n_fits: int
    tasks: list[FitTask]
    constant: FittedModel | None


def prepare(
    trainings: Sequence[Training],
    encoder: FittedEncoder,
    X: Array,
    codes: NDArray[Any],
    classes: tuple[object, ...],
    seed: int,
    row_weight: Array | None = None,
) -> Prepared:
    """Draw and weigh encoded rows. Weights of rows, where given, multiply those of their classes."""
    targets = targets_of(codes, classes)
    constant = targets.without_choice()
    trained = trainings if constant is None else ()
    tasks = [_task(training, encoder, X, targets, seed, row_weight) for training in trained]
    return Prepared(targets, len(trainings), tasks, constant)


def fit_prepared(model: Model, folds: Sequence[Prepared], stacked: bool = False) -> list[FittedModel]:
    """Models of all folds, one after the other; tasks that share their rows are fitted in one call, or all are."""
    tasks = [task for fold in folds for task in fold.tasks]
    fitted: dict[int, FittedModel] = {}
    for places in [list(range(len(tasks)))] if stacked else _sharing_rows(tasks):
        found = folds[0].targets.fit(model, [tasks[place] for place in places])
        fitted.update(zip(places, found, strict=True))
    each = (fitted[place] for place in range(len(tasks)))
    return [next(each) if fold.constant is None else fold.constant for fold in folds for _ in range(fold.n_fits)]


def fit_encoded(
    trainings: Sequence[Training],
    encoder: FittedEncoder,
    X: Array,
    codes: NDArray[Any],
    classes: tuple[object, ...],
    seed: int,
    row_weight: Array | None = None,
) -> list[FittedModel]:
    """Train on encoded rows: draw them, weigh them, fit.

    The trainings are of one model; those that see the same rows are fitted in one call.
    """
    prepared = prepare(trainings, encoder, X, codes, classes, seed, row_weight)
    return fit_prepared(trainings[0].model, [prepared])


def _sharing_rows(tasks: Sequence[FitTask]) -> list[list[int]]:
    together: dict[int, list[int]] = {}
    for place, task in enumerate(tasks):
        together.setdefault(id(task.X), []).append(place)
    return list(together.values())


def _task(
    training: Training, encoder: FittedEncoder, X: Array, targets: Targets, seed: int, row_weight: Array | None = None
) -> FitTask:
    drawn, codes, weight, sampling = targets.rows(training, X, seed)
    if row_weight is not None:
        if drawn is not X:
            raise UsageError(f"{training}: drawn rows cannot be weighted too; leave sample_weight or the sampling")
        shares = row_weight / row_weight.mean()
        weight = weight * (shares if weight.ndim == 1 else shares[:, None])
    return FitTask(
        X=drawn,
        codes=codes,
        sample_weight=weight,
        n_classes=len(targets.classes),
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
    codes: NDArray[Any],
    classes: tuple[object, ...],
    seed: int,
    row_weight: Array | None = None,
) -> FittedPipeline:
    """Train on all given rows."""
    from threadpoolctl import threadpool_limits

    # One thread: sums in another order would give other last digits.
    with threadpool_limits(1):
        encoder, X = encode(training, matrix, schema)
        model = fit_encoded([training], encoder, X, codes, classes, seed, row_weight)[0]
        return FittedPipeline(encoder, model)

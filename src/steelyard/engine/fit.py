"""One fit, from raw rows to a trained pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.engine.data import EngineData
from steelyard.engine.plan import Training
from steelyard.engine.pseudo import fit_labelled, labelled
from steelyard.engine.targets import Targets, targets_of
from steelyard.engine.threads import one_thread
from steelyard.errors import UsageError
from steelyard.features import FittedEncoder, TableMatrix, TableSchema
from steelyard.models import FitTask, FittedModel
from steelyard.strategy import Strategy

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


def encoded_more(trainings: Sequence[Training], encoder: FittedEncoder, unlabelled: TableMatrix | None) -> Array | None:
    """Rows without labels, encoded, where a training has a use for them."""
    wanted = any(training.labelling.gives for training in trainings)
    return encoder.transform(unlabelled) if wanted and unlabelled is not None and len(unlabelled) else None


def fit_encoded(
    trainings: Sequence[Training],
    encoder: FittedEncoder,
    X: Array,
    codes: NDArray[Any],
    classes: tuple[object, ...],
    seed: int,
    row_weight: Array | None = None,
    unlabelled: Array | None = None,
) -> list[FittedModel]:
    """Train on encoded rows: draw them, weigh them, fit.

    The trainings are of one model; those that see the same rows are fitted in one call. Weights of rows, where given,
    multiply those of their classes. Rows without labels are only for trainings that give them some.
    """
    if any(training.labelling.gives for training in trainings):
        fit = partial(_fit_rows, encoder=encoder, classes=classes, seed=seed)
        return fit_labelled(trainings, X, codes, row_weight, unlabelled, fit)
    return _fit_rows(trainings, X, codes, row_weight, encoder=encoder, classes=classes, seed=seed)


def _fit_rows(
    trainings: Sequence[Training],
    X: Array,
    codes: NDArray[Any],
    row_weight: Array | None,
    *,
    encoder: FittedEncoder,
    classes: tuple[object, ...],
    seed: int,
) -> list[FittedModel]:
    targets = targets_of(codes, classes)
    if (constant := targets.without_choice()) is not None:
        return [constant for _ in trainings]
    tasks = [task_of(training, encoder, X, targets, seed, row_weight) for training in trainings]
    model = trainings[0].model
    fitted: list[FittedModel | None] = [None] * len(tasks)
    for places in _sharing_rows(tasks):
        for place, found in zip(places, targets.fit(model, [tasks[place] for place in places]), strict=True):
            fitted[place] = found
    return [found for found in fitted if found is not None]


def _sharing_rows(tasks: Sequence[FitTask]) -> list[list[int]]:
    together: dict[int, list[int]] = {}
    for place, task in enumerate(tasks):
        together.setdefault(id(task.X), []).append(place)
    return list(together.values())


def task_of(
    training: Training, encoder: FittedEncoder, X: Array, targets: Targets, seed: int, row_weight: Array | None = None
) -> FitTask:
    """What a model is to fit: rows drawn and weighed. Weights of rows, where given, multiply those of their classes."""
    training.check_filled()
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
        families=encoder.families,
    )


def given_labels(training: Training, data: EngineData) -> NDArray[np.int64]:
    """How many labels a training on all rows gives to those without, as ``Labelled.given`` has them."""
    others = None if data.unlabelled is None else data.unlabelled.matrix
    first = Training(training.model, Strategy())
    pipeline = fit_pipeline(first, data.matrix, data.schema, data.codes, data.classes, data.seed)
    X, more = pipeline.encoder.transform(data.matrix), encoded_more([training], pipeline.encoder, others)
    return labelled(training, pipeline.model, X, data.codes, None, more).given


def fit_pipeline(
    training: Training,
    matrix: TableMatrix,
    schema: TableSchema,
    codes: NDArray[Any],
    classes: tuple[object, ...],
    seed: int,
    row_weight: Array | None = None,
    unlabelled: TableMatrix | None = None,
) -> FittedPipeline:
    """Train on all given rows."""
    return fit_pipelines([training], matrix, schema, codes, classes, seed, row_weight, unlabelled)[0]


def fit_pipelines(
    trainings: Sequence[Training],
    matrix: TableMatrix,
    schema: TableSchema,
    codes: NDArray[Any],
    classes: tuple[object, ...],
    seed: int,
    row_weight: Array | None = None,
    unlabelled: TableMatrix | None = None,
) -> list[FittedPipeline]:
    """Train several strategies of one model on all given rows; they share the encoder, and what their model shares."""
    with nullcontext() if trainings[0].model.alone else one_thread():
        encoder, X = encode(trainings[0], matrix, schema)
        more = encoded_more(trainings, encoder, unlabelled)
        models = fit_encoded(trainings, encoder, X, codes, classes, seed, row_weight, more)
        return [FittedPipeline(encoder, model) for model in models]

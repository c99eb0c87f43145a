"""Fits of all folds side by side on one device."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence

import numpy as np

from steelyard.engine.data import EngineData
from steelyard.engine.fit import fit_prepared
from steelyard.engine.fold import EncodedFold
from steelyard.engine.plan import FitOutcome, FitPlan
from steelyard.models import Model, device_name

#: Bytes of encoded rows that are kept at a time: folds of larger tables fill a GPU by themselves.
ROOM = 2**30


def stacked_models(plans: Sequence[FitPlan], data: EngineData) -> dict[Model, str]:
    """Models whose plans are trained side by side on a device, and the device.

    Raises
    ------
    UsageError
        When a model was asked to train on a device that is not there.
    """
    # The least there can be: categories and texts become more columns than they are.
    columns = data.matrix.numeric.shape[1] + data.matrix.codes.shape[1]
    models = [plan.training.model for plan in plans]
    found = {}
    for model in dict.fromkeys(models):
        device = model.stack_device(models.count(model), len(data.codes), columns)
        if device is not None:
            found[model] = device
    return found


def described_device(plans: Sequence[FitPlan], data: EngineData) -> str:
    """Where plans are trained, in words: ``cpu``, or the GPU and the models that are trained on it."""
    shown = [f"{device_name(device)}: {model}" for model, device in stacked_models(plans, data).items()]
    return "; ".join(shown) + "; the rest: cpu" if shown else "cpu"


def fit_stacked(plans: Sequence[FitPlan], data: EngineData) -> Iterator[FitOutcome]:
    """Scores of plans of one model, which are trained side by side."""
    groups: dict[tuple[object, ...], list[FitPlan]] = {}
    for plan in plans:
        groups.setdefault((plan.training.encoder, plan.repeat, plan.fold), []).append(plan)
    waiting = list(groups.values())
    while waiting:
        yield from _fit(waiting, data)


def _fit(waiting: list[list[FitPlan]], data: EngineData) -> list[FitOutcome]:
    """Scores of the first folds that wait: as many as there is room for, and one at least."""
    from threadpoolctl import threadpool_limits

    started, together = time.process_time(), []
    folds: list[EncodedFold] = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while waiting and sum(fold.X.nbytes for fold in folds) < ROOM:
            together.append(waiting.pop(0))
            folds.append(EncodedFold.of(together[-1][0], data))
        prepared = [fold.prepared(own, data) for fold, own in zip(folds, together, strict=True)]
        models = iter(fit_prepared(together[0][0].training.model, prepared, stacked=True))
        scored = [
            (plan, next(models).predict_proba(fold.X_score).astype(np.float32))
            for fold, own in zip(folds, together, strict=True)
            for plan in own
        ]
    seconds = (time.process_time() - started) / len(scored)
    return [FitOutcome(plan, proba, seconds) for plan, proba in scored]

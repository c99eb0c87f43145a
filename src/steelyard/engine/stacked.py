"""Fits of all folds side by side on one device."""

from __future__ import annotations

import time
import warnings
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from steelyard.engine.data import EngineData
from steelyard.engine.fit import Array, encode, task_of
from steelyard.engine.plan import FitOutcome, FitPlan
from steelyard.engine.targets import Targets, targets_of
from steelyard.engine.threads import one_thread
from steelyard.models import FitTask, FittedModel, Model, device_name

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
    # What a first model labels is not known before it is trained.
    models = [plan.training.model for plan in plans if not plan.training.labelling.gives]
    found = {}
    for model in dict.fromkeys(models):
        device = model.stack_device(models.count(model), len(data.codes), columns)
        if device is not None:
            found[model] = device
    return found


def stacks_of(
    plans: Sequence[FitPlan], models: Collection[Model], in_order: bool
) -> Iterator[tuple[list[FitPlan], bool]]:
    """Plans that are done together, and whether stacked: all plans of these models, and then the rest.

    In order it is one training after the other, but all its folds at once: one fit alone would be slower on a GPU than
    on the processor.
    """

    def is_stacked(plan: FitPlan) -> bool:
        return plan.training.model in models and not plan.training.labelling.gives

    if not in_order:
        for model in models:
            yield [plan for plan in plans if plan.training.model == model and is_stacked(plan)], True
        if rest := [plan for plan in plans if not is_stacked(plan)]:
            yield rest, False
        return
    for stacked, group in groupby(plans, key=is_stacked):
        if stacked:
            yield from ((list(folds), True) for _, folds in groupby(group, key=lambda plan: plan.training))
        else:
            yield list(group), False


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


@dataclass(frozen=True)
class _Fold:
    """Plans of one fold, ready to be fitted; where its rows have one class only, ``constant`` stands for all models."""

    plans: list[FitPlan]
    targets: Targets
    constant: FittedModel | None
    tasks: list[FitTask]
    X_score: Array
    size: int

    @classmethod
    def of(cls, plans: list[FitPlan], data: EngineData) -> _Fold:
        first = plans[0]
        train, score = data.train_rows(first.repeat, first.fold), data.score_rows(first.repeat, first.fold)
        seed = data.fold_seed(first.repeat, first.fold)
        encoder, X = encode(first.training, data.matrix.take(train), data.schema)
        weight = None if data.row_weight is None else data.row_weight[train]
        targets = targets_of(data.codes[train], data.classes)
        constant = targets.without_choice()
        trainings = [plan.training for plan in plans if constant is None]
        tasks = [task_of(training, encoder, X, targets, seed, weight) for training in trainings]
        return cls(plans, targets, constant, tasks, encoder.transform(data.matrix.take(score)), X.nbytes)


def _fit(waiting: list[list[FitPlan]], data: EngineData) -> list[FitOutcome]:
    """Scores of the first folds that wait: as many as there is room for, and one at least."""
    started = time.process_time()
    folds: list[_Fold] = []
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while waiting and sum(fold.size for fold in folds) < ROOM:
            folds.append(_Fold.of(waiting.pop(0), data))
        tasks = [task for fold in folds for task in fold.tasks]
        fitted = iter(folds[0].targets.fit(folds[0].plans[0].training.model, tasks))
        scored = [
            (plan, next(fitted) if fold.constant is None else fold.constant, fold.X_score)
            for fold in folds
            for plan in fold.plans
        ]
        probas = [(plan, model.predict_proba(X).astype(np.float32)) for plan, model, X in scored]
    seconds = (time.process_time() - started) / len(probas)
    return [FitOutcome(plan, proba, seconds) for plan, proba in probas]

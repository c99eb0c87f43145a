"""Several labels a row on a model that knows one label a row: a model of two classes for each label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.models._base import Array, FitTask, FittedModel, Model, ModelState

_KEY = "one_versus_rest"


def split_labels(task: FitTask) -> dict[int, FitTask]:
    """A task of two classes for each label that can be learned: over the rows for which it is known.

    A label that none, or all, of its known rows have is left out: there is nothing to tell apart. Labels that are
    known for every row share the task's own ``X``, so that a model may train them together.
    """
    tasks = {}
    for label in range(task.n_classes):
        column = task.codes[:, label]
        known = ~np.isnan(column)
        codes = column[known].astype(np.int64)
        if not (codes.any() and (codes == 0).any()):
            continue
        whole = bool(known.all())
        tasks[label] = replace(
            task,
            X=task.X if whole else task.X[known],
            codes=codes,
            sample_weight=task.sample_weight[known, label],
            n_classes=2,
        )
    return tasks


def join_labels(task: FitTask, fitted: Mapping[int, FittedModel]) -> FittedLabels:
    """Model of all labels from those of each; a label that was not learned is always, or never, given."""
    parts: list[FittedModel | float] = []
    for label in range(task.n_classes):
        found = fitted.get(label)
        parts.append(float(np.nanmax(task.codes[:, label], initial=0.0)) if found is None else found)
    return FittedLabels(tuple(parts))


@dataclass(frozen=True)
class FittedLabels:
    """A model of two classes, or a constant probability, for each label."""

    parts: tuple[FittedModel | float, ...]

    def predict_proba(self, X: Array) -> Array:
        """Probability of each label, shape (n_rows, n_labels); they do not sum to 1."""
        n_rows = X.shape[0]
        columns = [np.full(n_rows, p) if isinstance(p, float) else p.predict_proba(X)[:, 1] for p in self.parts]
        return np.column_stack(columns)

    def to_state(self) -> ModelState:
        """States of the parts, arrays under the number of their label, foreign parts in a list."""
        metas: list[dict[str, Any]] = []
        arrays: dict[str, NDArray[Any]] = {}
        foreign: list[Any] = []
        for label, part in enumerate(self.parts):
            if isinstance(part, float):
                metas.append({"constant": part})
                continue
            state = part.to_state()
            metas.append({"meta": state.meta, "foreign": state.foreign is not None})
            arrays |= {f"{label}.{key}": value for key, value in state.arrays.items()}
            if state.foreign is not None:
                foreign.append(state.foreign)
        return ModelState({_KEY: metas}, arrays, foreign or None)


def restore_model(model: Model, state: ModelState) -> FittedModel:
    """Fitted model from its state, whether it is one model or one for each label."""
    if _KEY not in state.meta:
        return model.restore(state)
    foreign = iter(state.foreign or ())
    parts: list[FittedModel | float] = []
    for label, entry in enumerate(state.meta[_KEY]):
        if "constant" in entry:
            parts.append(float(entry["constant"]))
            continue
        prefix = f"{label}."
        arrays = {key.removeprefix(prefix): value for key, value in state.arrays.items() if key.startswith(prefix)}
        parts.append(model.restore(ModelState(entry["meta"], arrays, next(foreign) if entry["foreign"] else None)))
    return FittedLabels(tuple(parts))


def fit_labels(model: Model, tasks: Sequence[FitTask]) -> list[FittedLabels]:
    """Models of tasks with several labels a row, one for each label; those that share rows are trained in one call."""
    split = [split_labels(task) for task in tasks]
    single = [(place, label, part) for place, parts in enumerate(split) for label, part in parts.items()]
    shared: dict[int, list[tuple[int, int, FitTask]]] = {}
    for entry in single:
        shared.setdefault(id(entry[2].X), []).append(entry)
    found: list[dict[int, FittedModel]] = [{} for _ in tasks]
    for entries in shared.values():
        for (place, label, _), made in zip(entries, model.fit_many([part for *_, part in entries]), strict=True):
            found[place][label] = made
    return [join_labels(task, fitted) for task, fitted in zip(tasks, found, strict=True)]

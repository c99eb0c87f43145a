"""What too much weight does: rare classes at 1, 2, 5 and 10 times their inverse weight, on the cheapest model.

A demonstration beside the study, and no arm of it: it shows where more weight stops buying hits and buys false alarms
and overfitting only.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.engine import EngineData, Training, fit_pipelines, is_short
from steelyard.metrics import CountMetric, class_counts, get_metric
from steelyard.models import parse_model
from steelyard.strategy import Strategy
from steelyard.study.assess import ScoredRows

Codes = NDArray[np.int64]

#: Times the inverse weight; 0 stands for no weights at all.
FACTORS = (0, 1, 2, 5, 10)
MODEL = "linear"
#: Rows the demonstration looks at: enough for its shape, few enough to be cheap.
MOST_ROWS = 4000
#: Folds that are scored; the rows of the others are only trained on.
MOST_FOLDS = 3
#: Classes are taken together, rarest first, until they have so many rows.
ENOUGH_ROWS = 20


def overweighting_record(data: EngineData, n_jobs: int = 1) -> dict[str, Any] | None:
    """What more and more weight on the rarest classes does; None where there is nothing to weigh.

    Parameters
    ----------
    data : EngineData
        Only the first repeat is looked at, and at most 4000 of its rows and 3 of its folds.
    n_jobs : int
        Processes.

    Returns
    -------
    dict
        ``model``, ``classes`` (those weighed up), ``rows`` (looked at), and ``points``: for each factor ``recall``,
        ``precision`` and ``false_alarms`` of those classes together out of fold, their ``train_recall``, and
        ``macro_f1`` and ``train_macro_f1`` of all classes.
    """
    if data.codes.ndim != 1:
        return None
    rows = _some_rows(data)
    codes, folds = data.codes[rows], data.folds[0][rows]
    rare = rare_classes(np.bincount(data.codes[ScoredRows.of(data).rows], minlength=data.n_classes))
    in_use = [int(fold) for fold in np.unique(folds[folds >= 0])][:MOST_FOLDS]
    if not rare or len(in_use) < 2:
        return None
    trainings = [_training(factor, [str(data.classes[k]) for k in rare]) for factor in FACTORS]
    if n_jobs == 1 or is_short(parse_model(MODEL), len(in_use) * len(FACTORS), data, len(rows)):
        found = [_fit(data, rows, folds, trainings, fold) for fold in in_use]
    else:
        from joblib import Parallel, delayed

        found = Parallel(n_jobs=n_jobs)(delayed(_fit)(data, rows, folds, trainings, fold) for fold in in_use)
    points = []
    for factor, own in zip(FACTORS, zip(*found, strict=True), strict=True):
        scored, trained = (_joined(side) for side in zip(*own, strict=True))
        points.append({"factor": factor, **_figures(codes, scored, trained, rare, data.n_classes)})
    return {
        "model": MODEL,
        "classes": [str(data.classes[k]) for k in rare],
        "rows": len(rows),
        "points": points,
    }


def _joined(parts: Sequence[tuple[Codes, Codes]]) -> tuple[Codes, Codes]:
    return np.concatenate([places for places, _ in parts]), np.concatenate([found for _, found in parts])


def rare_classes(counts: Codes) -> list[int]:
    """Rarest scored classes that have 20 rows together, the commonest never among them.

    Examples
    --------
    >>> rare_classes(np.array([900, 8, 14, 70, 0])), rare_classes(np.array([5, 90]))
    ([1, 2], [0])
    """
    order = [int(k) for k in np.argsort(counts, kind="stable") if counts[k] > 0][:-1]
    together = np.cumsum(counts[order])
    return order[: int(np.searchsorted(together, ENOUGH_ROWS)) + 1]


def _some_rows(data: EngineData) -> Codes:
    if len(data.codes) <= MOST_ROWS:
        return np.arange(len(data.codes))
    # Every class keeps its share, and its rows up to ten.
    rng = np.random.default_rng([data.seed, 0x0E16])
    share = MOST_ROWS / len(data.codes)
    kept = []
    for k in range(data.n_classes):
        own = rng.permutation(np.flatnonzero(data.codes == k))
        kept.append(own[: max(int(np.ceil(share * len(own))), 10)])
    return np.sort(np.concatenate(kept))


def _training(factor: int, names: list[str]) -> Training:
    if not factor:
        return Training.of(Strategy(), parse_model(MODEL))
    boost = dict.fromkeys(names, float(factor)) if factor > 1 else None
    weighting = Strategy.parse("inverse").weighting
    return Training.of(Strategy(weighting=weighting.replace(boost=boost)), parse_model(MODEL))


def _fit(
    data: EngineData, rows: Codes, folds: Codes, trainings: Sequence[Training], fold: int
) -> list[tuple[tuple[Codes, Codes], tuple[Codes, Codes]]]:
    """For each training: places and predictions of the fold's rows, and of the rows trained on."""
    train, score = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
    with warnings.catch_warnings():
        # That a fit stopped short of convergence is part of what is shown.
        warnings.simplefilter("ignore")
        trained = data.matrix.take(rows[train])
        pipelines = fit_pipelines(trainings, trained, data.schema, data.codes[rows[train]], data.classes, data.seed)
        X, X_score = (pipelines[0].encoder.transform(part) for part in (trained, data.matrix.take(rows[score])))
        return [
            (
                (score, pipeline.model.predict_proba(X_score).argmax(axis=1)),
                (train, pipeline.model.predict_proba(X).argmax(axis=1)),
            )
            for pipeline in pipelines
        ]


def _figures(
    codes: Codes, scored: tuple[Codes, Codes], trained: tuple[Codes, Codes], rare: list[int], n_classes: int
) -> dict[str, float | int | None]:
    (places, predicted), (train_places, train_predicted) = scored, trained
    truth, train_truth = codes[places], codes[train_places]
    own, alarm = np.isin(truth, rare), np.isin(predicted, rare)
    hits = own & (truth == predicted)
    train_own = np.isin(train_truth, rare)
    metric = get_metric("macro_f1")
    assert isinstance(metric, CountMetric)

    def macro(true: Codes, found: Codes) -> float:
        return float(metric.from_counts(*class_counts(true, found, n_classes), len(true)))

    return {
        "recall": float(hits.sum() / max(own.sum(), 1)),
        "precision": float(hits.sum() / alarm.sum()) if alarm.any() else None,
        "false_alarms": int((alarm & ~own).sum()),
        "train_recall": float((train_own & (train_truth == train_predicted)).sum() / max(train_own.sum(), 1)),
        "macro_f1": macro(truth, predicted),
        "train_macro_f1": macro(train_truth, train_predicted),
    }

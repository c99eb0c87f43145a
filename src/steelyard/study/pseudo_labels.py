"""What pseudo-labels were given: to how many rows, of which classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from steelyard.engine import EngineData, Training, given_labels
from steelyard.study.outcome import StudyOutcome


def pseudo_label_record(outcome: StudyOutcome) -> list[dict[str, Any]]:
    """What ``study.json`` says of pseudo-labels, of each model and labelling: the labels given, trained on all rows.

    Returns
    -------
    list of dict
        ``labelling``, ``model``, ``unknown`` (labels, or rows, that were not known), ``given`` (of these) and
        ``classes``: ``name``, ``known`` (rows that have it) and ``has`` (rows that were given it); with several labels
        a row ``has_not`` too.
    """
    data = outcome.data
    trainings = [t for assessed in outcome.arms for t in assessed.final.trainings if t.labelling.gives]
    first: dict[tuple[str, str], Training] = {}
    for training in trainings:
        first.setdefault((str(training.labelling), str(training.model)), training)
    return [
        {"labelling": labelling, "model": model, **_given(training, data)}
        for (labelling, model), training in first.items()
    ]


def _given(training: Training, data: EngineData) -> dict[str, Any]:
    given = given_labels(training, data)
    others = 0 if data.unlabelled is None else len(data.unlabelled.matrix)
    several = data.multilabel
    unknown = int(np.isnan(data.codes).sum()) + others * data.n_classes if several else others
    known = (data.codes == 1).sum(axis=0) if several else np.bincount(data.codes, minlength=data.n_classes)
    classes = []
    for code, name in enumerate(data.classes):
        counts = {"name": str(name), "known": int(known[code]), "has": int(given[code, 0])}
        classes.append({**counts, "has_not": int(given[code, 1])} if several else counts)
    return {"unknown": unknown, "given": int(given.sum()), "classes": classes}

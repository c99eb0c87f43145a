"""What tags of tokens say about entities: found, missed, made up; and how sure the differences are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.labels import entity_counts, entity_f1
from steelyard.study.outcome import StudyOutcome

#: Resamples of sentences behind an interval.
RESAMPLES = 1000

Counts = NDArray[np.int64]


def sentences_of(tags: Sequence[str], lengths: NDArray[np.int64]) -> list[list[str]]:
    """Tags of each sentence from those of all tokens."""
    ends = np.cumsum(lengths).tolist()
    return [list(tags[end - length : end]) for end, length in zip(ends, lengths.tolist(), strict=True)]


def entity_scores(counts: Counts, baseline: Counts, seed: int) -> dict[str, Any]:
    """Precision, recall and F1 over entities, with 95 % intervals over sentences.

    Parameters
    ----------
    counts, baseline : ndarray of int64, shape (n_sentences, 3)
        As ``entity_counts`` gives them, for the tags in question and for those they are compared with.
    seed : int

    Returns
    -------
    dict
        ``precision``, ``recall``, ``f1``, ``ci``, ``delta`` and ``delta_ci`` of F1.
    """
    found, predicted, there = counts.sum(axis=0).tolist()
    f1, plain = float(entity_f1(counts)), float(entity_f1(baseline))
    rng = np.random.default_rng([seed, 0xE17])
    n = len(counts)
    # Sentences are drawn, not tokens: the tags of one sentence are no independent cases.
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    ours, theirs = (entity_f1((drawn @ rows)[:, None, :]) for rows in (counts, baseline))
    return {
        "precision": found / predicted if predicted else None,
        "recall": found / there if there else None,
        "f1": f1,
        "ci": np.quantile(ours, (0.025, 0.975)).tolist(),
        "delta": f1 - plain,
        "delta_ci": np.quantile(ours - theirs, (0.025, 0.975)).tolist(),
    }


def entities_record(outcome: StudyOutcome) -> dict[str, Any]:
    """What ``study.json`` says of entities: a line for each arm, of out-of-fold tags.

    Tokens that are never scored count as if no entity had been predicted there; those without a tag are left out.
    """
    assert outcome.facts.lengths is not None
    lengths = np.bincount(outcome.facts.token_places[0], minlength=len(outcome.facts.lengths))
    names = [str(name) for name in outcome.data.classes]
    truth = sentences_of([names[code] for code in outcome.data.codes], lengths)
    made = [_counts(outcome, arm.predictions.predicted, names, truth, lengths) for arm in outcome.arms]
    baseline = made[outcome.scores.baseline]
    arms = [
        {"id": arm.arm.id, **entity_scores(counts, baseline, outcome.data.seed)}
        for arm, counts in zip(outcome.arms, made, strict=True)
    ]
    return {"sentences": len(lengths), "entities": int(baseline[:, 2].sum() // len(outcome.scored.folds)), "arms": arms}


def _counts(
    outcome: StudyOutcome,
    predicted: NDArray[np.int64],
    names: list[str],
    truth: list[list[str]],
    lengths: NDArray[np.int64],
) -> Counts:
    total = np.zeros((len(lengths), 3), dtype=np.int64)
    for codes in predicted:
        tags = ["O"] * len(outcome.data.codes)
        for row, code in zip(outcome.scored.rows.tolist(), codes.tolist(), strict=True):
            tags[row] = names[code]
        total += entity_counts(truth, sentences_of(tags, lengths))
    return total

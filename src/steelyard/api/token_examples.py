"""Sentences of which the best arm found more entities, or fewer, than doing nothing, for the report."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.labels import entities_of
from steelyard.report.thumbnails import Example, ExampleGroup
from steelyard.report.words import clean
from steelyard.study import StudyOutcome, sentences_of

#: Sentences of a group, those of them that are shown for one type of entity, and the letters of each.
_MOST, _MOST_OF_TYPE, _LONGEST = 12, 4, 200


def token_examples(outcome: StudyOutcome) -> list[ExampleGroup]:
    """Groups of sentences with fewer wrong entities, with more and with as many; rare types of entity first.

    An entity that is missed and one that is made up are one mistake each.
    """
    assert outcome.facts.lengths is not None
    sentence = outcome.facts.token_places[0]
    lengths = np.bincount(sentence, minlength=len(outcome.facts.lengths))
    names = [str(name) for name in outcome.data.classes]
    truth = sentences_of([names[code] for code in outcome.data.codes], lengths)
    plain = outcome.arms[outcome.scores.baseline].predictions.predicted[0]
    best, before = (
        sentences_of(_tags(outcome, names, codes), lengths) for codes in (outcome.best.predictions.predicted[0], plain)
    )
    wrong, wrong_before = _mistakes(truth, best), _mistakes(truth, before)
    kinds = {
        "won": wrong < wrong_before,
        "lost": wrong > wrong_before,
        "wrong": (wrong == wrong_before) & (wrong > 0),
    }
    words = _words(outcome, lengths)
    count = Counter(kind for tags in truth for kind, _, _ in entities_of(tags))
    groups = []
    for kind, mask in kinds.items():
        rows = np.flatnonzero(mask)
        if len(rows):
            chosen = _chosen(rows, truth, best, before, count)
            shown = [_example(row, words[row], truth[row], best[row], before[row]) for row in chosen]
            groups.append(ExampleGroup(kind, len(rows), shown, "sentence", several=True))
    return groups


def _tags(outcome: StudyOutcome, names: list[str], codes: NDArray[np.int64]) -> list[str]:
    tags = ["O"] * len(outcome.data.codes)
    for row, code in zip(outcome.scored.rows.tolist(), codes.tolist(), strict=True):
        tags[row] = names[code]
    return tags


def _mistakes(truth: list[list[str]], found: list[list[str]]) -> NDArray[np.int64]:
    return np.array([len(set(entities_of(a)) ^ set(entities_of(b))) for a, b in zip(truth, found, strict=True)])


def _words(outcome: StudyOutcome, lengths: NDArray[np.int64]) -> list[list[str]]:
    """Words of each sentence that have a tag."""
    matrix = outcome.data.matrix
    assert matrix.raw is not None
    column = matrix.raw[outcome.data.schema.words[0]]
    words = (column if matrix.raw_rows is None else column.gather(matrix.raw_rows)).to_list()
    return sentences_of([word or "" for word in words], lengths)


def _chosen(rows: NDArray[np.int64], truth: Any, best: Any, before: Any, count: Counter[str]) -> list[int]:
    """A few sentences of each type of entity in which they differ or err, the rarest type first."""

    def rarest(row: int) -> str:
        true, found, plain = (set(entities_of(tags[row])) for tags in (truth, best, before))
        # What all agree on is not what the sentence is shown for.
        kinds = {kind for kind, _, _ in (true | found | plain) - (true & found & plain)}
        return min(kinds, key=lambda kind: (count[kind], kind))

    by_type = {row: rarest(row) for row in rows.tolist()}
    seen: Counter[str] = Counter()
    chosen: list[int] = []
    for row in sorted(by_type, key=lambda row: (count[by_type[row]], by_type[row], row)):
        seen[by_type[row]] += 1
        if seen[by_type[row]] <= _MOST_OF_TYPE and len(chosen) < _MOST:
            chosen.append(row)
    return chosen


def _example(row: int, words: list[str], truth: list[str], best: list[str], before: list[str]) -> Example:
    def named(tags: list[str]) -> str:
        found = [f"{kind} {' '.join(words[start : end + 1])}" for kind, start, end in entities_of(tags)]
        return _short(", ".join(found)) or "no entity"

    return Example(f"sentence {row + 1}", named(truth), named(best), named(before), text=_short(" ".join(words)))


def _short(text: str) -> str:
    text = clean(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"

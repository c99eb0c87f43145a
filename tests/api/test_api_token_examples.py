"""Sentences that are shown in a report of tags: what was found, missed and made up."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from steelyard.api.token_examples import token_examples
from steelyard.features import TableSchema
from steelyard.study import DataFacts

NAMES = ("O", "B-PER", "I-PER", "B-LOC")
WORDS = [["Anna", "Maier", "in", "Ulm"], ["rain"], ["Bert", "left"], ["Ulm", "sleeps"]]
TRUE = [[1, 2, 0, 3], [0], [1, 0], [3, 0]]
PLAIN = [[1, 0, 0, 3], [0], [1, 0], [0, 0]]
BEST = [[1, 2, 0, 3], [1], [0, 0], [0, 0]]


def flat(rows):
    return np.array([value for row in rows for value in row])


@pytest.fixture
def outcome():
    lengths = np.array([len(words) for words in WORDS])
    frame = pl.DataFrame(
        {"token": [word for words in WORDS for word in words], "sentence": np.repeat(np.arange(4), lengths)}
    )
    schema = TableSchema.infer(frame, roles={"token": "word", "sentence": "sentence"})
    data = SimpleNamespace(matrix=schema.extract(frame), schema=schema, classes=NAMES, codes=flat(TRUE))
    arms = [SimpleNamespace(predictions=SimpleNamespace(predicted=flat(tags)[None])) for tags in (PLAIN, BEST)]
    return SimpleNamespace(
        facts=DataFacts(lengths=lengths),
        data=data,
        arms=arms,
        best=arms[1],
        scores=SimpleNamespace(baseline=0),
        scored=SimpleNamespace(rows=np.arange(9)),
    )


def test_sentences_are_won_lost_or_as_wrong_as_before(outcome):
    won, lost, wrong = token_examples(outcome)
    assert [(group.kind, group.total, group.unit) for group in (won, lost, wrong)] == [
        ("won", 1, "sentence"),
        ("lost", 2, "sentence"),
        ("wrong", 1, "sentence"),
    ]
    (first,) = won.shown
    assert (first.name, first.text) == ("sentence 1", "Anna Maier in Ulm")
    assert (first.label, first.baseline, first.predicted) == (
        "PER Anna Maier, LOC Ulm",
        "PER Anna, LOC Ulm",
        "PER Anna Maier, LOC Ulm",
    )
    assert [(one.text, one.label, one.predicted) for one in lost.shown] == [
        ("rain", "no entity", "PER rain"),
        ("Bert left", "PER Bert", "no entity"),
    ]
    assert (wrong.shown[0].text, wrong.shown[0].label, wrong.shown[0].baseline) == (
        "Ulm sleeps",
        "LOC Ulm",
        "no entity",
    )


def test_words_without_a_tag_are_left_out(outcome):
    kept = np.array([0, 1, 3, 4, 5, 6, 7, 8])
    outcome.facts = replace(outcome.facts, row_numbers=kept)
    outcome.data.matrix, outcome.data.codes = outcome.data.matrix.take(kept), outcome.data.codes[kept]
    for arm in outcome.arms:
        arm.predictions.predicted = arm.predictions.predicted[:, kept]
    outcome.scored.rows = np.arange(8)
    assert token_examples(outcome)[0].shown[0].text == "Anna Maier Ulm"

"""Entities of tags, against seqeval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.labels import entities_of, entity_counts, entity_f1, repair_tags

seqeval = pytest.importorskip("seqeval.metrics")
labeling = pytest.importorskip("seqeval.metrics.sequence_labeling")
scheme = pytest.importorskip("seqeval.scheme")

TAGS = st.sampled_from(["O", *(f"{prefix}-{kind}" for prefix in "BIES" for kind in ("PER", "LOC", "creative-work"))])
BIO = st.sampled_from(["O", *(f"{prefix}-{kind}" for prefix in "BI" for kind in ("PER", "LOC"))])


@settings(max_examples=300, deadline=None)
@given(st.lists(TAGS, max_size=12))
def test_entities_are_those_of_seqeval(tags):
    assert entities_of(tags) == [tuple(found) for found in labeling.get_entities(tags)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 8), min_size=1, max_size=6), st.data())
@pytest.mark.filterwarnings("ignore")
def test_scores_are_those_of_seqeval(lengths, data):
    truth = [data.draw(st.lists(BIO, min_size=n, max_size=n)) for n in lengths]
    other = [data.draw(st.lists(BIO, min_size=n, max_size=n)) for n in lengths]
    counts = entity_counts(truth, other)
    assert counts.shape == (len(lengths), 3)
    if counts[:, 1:].sum():
        assert float(entity_f1(counts)) == pytest.approx(seqeval.f1_score(truth, other))
        found, predicted, there = counts.sum(axis=0)
        assert found == pytest.approx(seqeval.precision_score(truth, other) * predicted)
        assert found == pytest.approx(seqeval.recall_score(truth, other) * there)


@settings(max_examples=200, deadline=None)
@given(st.lists(BIO, max_size=12))
def test_repaired_tags_hold_the_same_entities_in_strict_bio(tags):
    repaired = repair_tags(tags)
    assert entities_of(repaired) == entities_of(tags)
    strict = scheme.Entities([repaired], scheme.IOB2).entities[0]
    assert [(entity.tag, entity.start, entity.end - 1) for entity in strict] == entities_of(tags)
    assert repair_tags(repaired) == repaired


def test_other_schemes():
    # BILOU and BIOES name the same entities; a tag without a prefix is inside its type.
    assert entities_of(["U-PER", "O", "B-LOC", "I-LOC", "L-LOC"]) == [("PER", 0, 0), ("LOC", 2, 4)]
    assert entities_of(["PER", "PER", "O"]) == [("PER", 0, 1)]
    assert repair_tags(["S-PER", "O", "I-LOC"]) == ["S-PER", "O", "I-LOC"]


def test_no_entity_anywhere():
    assert float(entity_f1(entity_counts([["O", "O"]], [["O", "O"]]))) == 0.0
    stacked = np.array([[[1, 2, 2]], [[0, 0, 0]]])
    assert entity_f1(stacked).tolist() == [0.5, 0.0]

"""Features of tokens: what each sees, and what reaches a model."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from steelyard.features import FittedEncoder, TableEncoder, TableSchema, token_features
from steelyard.features.tokens import shape_of

SENTENCE = ["The", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog"]


def test_nine_words_have_nine_windows():
    features = token_features(SENTENCE, [9])
    assert len(features) == 9
    for place, named in enumerate(features):
        for step in range(-3, 4):
            there = 0 <= place + step < 9
            word = SENTENCE[place + step].lower() if there else "<edge>"
            assert (f"{step:+d}={word}" if step else f"0={word}") in named


def test_sentences_do_not_see_each_other():
    together = token_features([*SENTENCE, "Oh", "no"], [9, 2])
    assert together == [*token_features(SENTENCE, [9]), *token_features(["Oh", "no"], [2])]
    assert [("first" in named) for named in together] == [place in (0, 9) for place in range(11)]


@pytest.mark.parametrize(
    ("word", "shape"),
    [("Ulm", "Xxx"), ("Heidelberg", "Xxx"), ("NATO", "XX"), ("x86_64", "xdd_dd"), ("Übung", "Xxx"), ("日本", "xx")],
)
def test_shapes(word, shape):
    assert shape_of(word) == shape


@pytest.fixture
def rows():
    words = [*SENTENCE, "Oh", "no", "the", "dog"]
    frame = pl.DataFrame({"features": token_features(words, [9, 4])})
    schema = TableSchema.infer(frame, tokens=["features"])
    return schema, schema.extract(frame)


def test_features_reach_a_model_as_ones(rows):
    schema, matrix = rows
    encoder = TableEncoder("onehot", sparse=True).fit(matrix, schema)
    X = encoder.transform(matrix)
    assert (X.data == 1).all()
    # What one training row alone has is left out: "0=the" has two.
    both = np.asarray(X[[0, 11]].sum(axis=0)).ravel() == 2
    named = token_features([*SENTENCE, "Oh", "no", "the", "dog"], [9, 4])
    assert both.sum() == len(set(named[0]) & set(named[11]))


@pytest.mark.parametrize("sparse", [True, False])
def test_an_encoder_comes_back_from_its_state(rows, sparse):
    schema, matrix = rows
    encoder = TableEncoder("onehot", sparse=sparse).fit(matrix, schema)
    again = FittedEncoder.from_state(*encoder.to_state()).transform(matrix)
    first = encoder.transform(matrix)
    assert TableSchema.from_dict(schema.to_dict()) == schema
    np.testing.assert_array_equal(*((M.toarray() if sparse else M) for M in (first, again)))


def test_rows_keep_the_whole_sentence_they_were_taken_from():
    frame = pl.DataFrame({"token": [*SENTENCE, "Oh", "no"], "sentence": [0] * 9 + [1] * 2, "x": range(11)})
    schema = TableSchema.infer(frame, roles={"token": "word", "sentence": "sentence"})
    matrix = schema.extract(frame).take(np.arange(11) % 2 == 0).take([1, 5])
    tokens = TableEncoder("raw").fit(matrix, schema).transform(matrix)
    assert [(token.words, token.place) for token in tokens] == [(tuple(SENTENCE), 2), (("Oh", "no"), 1)]

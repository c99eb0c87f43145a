from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.preprocessing import normalize

from steelyard.errors import DataError
from steelyard.features import FittedEncoder, TableEncoder, TableSchema
from steelyard.features.text import LONGEST, N_HASHED, TfIdf, count_ngrams

WORDS = ["late", "train", "again", "never", "happy", "thanks", "refund", "I", "want", "ticket", "naïve", "猫"]


@pytest.fixture(scope="module")
def texts() -> pl.Series:
    rng = np.random.default_rng(0)
    return pl.Series("said", [" ".join(rng.choice(WORDS, size=rng.integers(3, 9))) for _ in range(200)])


def test_weights_are_those_of_scikit_learn(texts: pl.Series) -> None:
    # min_df is ours: the n-grams in one text only are left out before the rows are brought to length 1.
    blocks = count_ngrams(texts)
    made = TfIdf.learn(blocks).transform(blocks)
    expected = []
    plain = {"n_features": N_HASHED, "norm": None, "alternate_sign": False}
    signs, runs = r"(?u)\b\w+\b|[^\w\s]", r"(?u)\b\w+\b|[^\w\s]+"
    counters = [
        HashingVectorizer(ngram_range=(1, 2), token_pattern=signs, **plain),
        HashingVectorizer(ngram_range=(3, 4), analyzer="char_wb", **plain),
        HashingVectorizer(lowercase=False, token_pattern=runs, **plain),
    ]
    for counter in counters:
        counts = counter.transform(texts.to_list())
        kept = np.flatnonzero(np.asarray((counts > 0).sum(axis=0)).ravel() >= 2)
        expected.append(normalize(TfidfTransformer(norm=None, sublinear_tf=True).fit_transform(counts[:, kept])))
    np.testing.assert_allclose(made.toarray(), np.hstack([e.toarray() for e in expected]), rtol=2e-6)


def test_words_of_one_letter_count_and_missing_texts_are_empty() -> None:
    words, characters, cased = count_ngrams(pl.Series(["I", None, ""]))
    assert words.sum(axis=1).tolist() == cased.sum(axis=1).tolist() == [1.0, 0.0, 0.0]
    assert characters[[1, 2]].nnz == 0


def test_shouting_and_runs_of_signs_are_seen() -> None:
    words, _, cased = count_ngrams(pl.Series(["WHY !!!", "why !"]))
    assert (words[[0]] != words[[1]]).nnz == 2  # the count of "!", and "! !"
    assert cased[[0]].multiply(cased[[1]]).nnz == 0


def test_a_huge_text_is_cut() -> None:
    words = count_ngrams(pl.Series(["ab " * LONGEST]))[0]
    assert words.sum() <= LONGEST


@pytest.mark.parametrize("sparse", [True, False])
def test_an_encoder_with_text_round_trips_and_leaves_the_other_columns_as_they_are(
    texts: pl.Series, sparse: bool
) -> None:
    frame = pl.DataFrame({"age": np.arange(200.0) ** 2, "site": ["a", "b"] * 100, "said": texts})
    schema = TableSchema.infer(frame)
    assert schema.text == ("said",)
    matrix = schema.extract(frame)
    encoder = TableEncoder(sparse=sparse).fit(matrix, schema)
    made = encoder.transform(matrix)
    again = FittedEncoder.from_state(*encoder.to_state()).transform(matrix.take([3, 5]))
    dense = made.toarray() if sparse else made
    np.testing.assert_array_equal(again.toarray() if sparse else again, dense[[3, 5]])
    assert dense.shape[1] == len(encoder.feature_names) == len(encoder.categorical_mask)
    without = TableSchema.infer(frame.drop("said"))
    table = TableEncoder().fit(without.extract(frame), without).transform(without.extract(frame))
    np.testing.assert_allclose(dense[:, : table.shape[1]], table, rtol=1e-6)


def test_a_projection_keeps_what_tells_texts_apart(texts: pl.Series) -> None:
    # With as many directions as there are texts, distances between rows are those of the weighed counts.
    frame = pl.DataFrame({"said": texts[:40]})
    schema = TableSchema.infer(frame, text=["said"])
    matrix = schema.extract(frame)
    sparse = TableEncoder(sparse=True).fit(matrix, schema).transform(matrix).toarray()
    projected = TableEncoder().fit(matrix, schema).transform(matrix)
    assert projected.shape == (40, 40)
    rank = np.linalg.matrix_rank(sparse)
    assert np.linalg.matrix_rank(np.hstack([projected, sparse]), tol=1e-3) == rank


def test_a_column_is_read_as_text_when_it_is_named() -> None:
    frame = pl.DataFrame({"word": ["up", "down"] * 20})
    assert TableSchema.infer(frame).text == ()
    assert TableSchema.infer(frame, text=["word"]).text == ("word",)
    with pytest.raises(DataError, match="no column 'words' to read as text; there are word"):
        TableSchema.infer(frame, text=["words"])

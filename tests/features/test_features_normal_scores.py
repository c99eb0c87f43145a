"""Normal scores against scikit-learn's quantile transformer."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.stats import norm
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler

from steelyard.features import FittedEncoder, TableEncoder, TableSchema
from steelyard.features.normal_scores import NormalScores


def columns(n: int = 250) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.column_stack([rng.lognormal(2, 2, n), rng.normal(size=n)])


def test_they_are_scikit_learns() -> None:
    X, fresh = columns(), columns(300)[250:] * 1.5
    theirs = make_pipeline(QuantileTransformer(n_quantiles=250, output_distribution="normal"), StandardScaler()).fit(X)
    ours = NormalScores.learn(X)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-4)
    np.testing.assert_allclose(ours.transform(fresh), theirs.transform(fresh), atol=1e-4)


def test_a_value_that_many_rows_share_gets_the_middle_of_their_ranks() -> None:
    X = np.repeat([0.0, 1.0, 2.0], [60, 20, 20])[:, None]
    # Shares .6, .2, .2: the middles of their ranks are .3, .7 and .9. (scikit-learn puts the lowest value at 0.)
    expected = norm.ppf([0.3, 0.7, 0.9])[[0] * 60 + [1] * 20 + [2] * 20]
    expected = (expected - expected.mean()) / expected.std()
    np.testing.assert_allclose(NormalScores.learn(X).transform(X)[:, 0], expected, atol=0.02)


def test_missing_values_are_the_median_and_an_empty_column_is_zero() -> None:
    X = np.column_stack([columns()[:, 0], np.full(250, np.nan)])
    X[:5, 0] = np.nan
    scores = NormalScores.learn(X).transform(X)
    assert np.isfinite(scores).all()
    assert not scores[:, 1].any()
    middle = NormalScores.learn(X).transform(np.array([[np.nanmedian(X[:, 0]), 0.0]]))
    np.testing.assert_allclose(scores[:5, 0], middle[0, 0])


def test_the_encoder_comes_back_from_its_state() -> None:
    frame = pl.DataFrame({"size": columns()[:, 0], "kind": ["a", "b"] * 125})
    schema = TableSchema.infer(frame)
    matrix = schema.extract(frame)
    fitted = TableEncoder("normal").fit(matrix, schema)
    again = FittedEncoder.from_state(*fitted.to_state())
    np.testing.assert_array_equal(again.transform(matrix), fitted.transform(matrix))
    assert fitted.feature_names == ("size", "kind=a", "kind=b")

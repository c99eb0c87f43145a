"""The additive kernel against scikit-learn's kernels, and what it is for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC

from steelyard.errors import UsageError
from steelyard.features import TableEncoder, TableSchema
from steelyard.losses import CrossEntropyLoss
from steelyard.models import AdditiveKernel, FitTask
from steelyard.models.additive_kernel import additive_kernel

FAMILIES = np.array([0, 0, 0, 1, 1])


def rings(n: int, seed: int) -> FitTask:
    """Two classes that differ in the distance from the middle, in one family of columns among noise."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2, n)
    angle = rng.uniform(0, 2 * np.pi, n)
    ring = (1 + 2 * codes + rng.normal(0, 0.2, n))[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    X = np.column_stack([rng.normal(size=(n, 3)), ring])
    mask = np.zeros(5, dtype=bool)
    return FitTask(X, codes, np.ones(n), 2, CrossEntropyLoss(), mask, 0, families=FAMILIES)


def test_the_kernel_is_the_mean_of_scikit_learns() -> None:
    X = rings(40, 0).X
    scales = np.array([1.7, 0.6])
    parts = [
        rbf_kernel(X[:, family == FAMILIES], X[:9, family == FAMILIES], gamma=width / scales[family])
        for family in (0, 1)
        for width in (1, 2, 4)
    ]
    np.testing.assert_allclose(additive_kernel(X, X[:9], FAMILIES, scales), np.mean(parts, axis=0), atol=1e-12)


def test_mapped_rows_have_the_kernel_as_their_products() -> None:
    fitted = AdditiveKernel(n_components=30).fit(rings(60, 0))
    kernel = additive_kernel(fitted.landmarks, fitted.landmarks, fitted.families, fitted.scales)
    mapped = kernel @ fitted.root
    np.testing.assert_allclose(mapped @ mapped.T, kernel, atol=1e-8)
    assert len(fitted.landmarks) == 30


def test_it_predicts_as_a_support_vector_machine_on_the_same_kernel_does() -> None:
    train, held = rings(200, 1), rings(500, 2)
    fitted = AdditiveKernel().fit(train)
    ours = fitted.predict_proba(held.X).argmax(axis=1)
    kernel = [additive_kernel(X, train.X, fitted.families, fitted.scales) for X in (train.X, held.X)]
    theirs = SVC(kernel="precomputed", C=10).fit(kernel[0], train.codes).predict(kernel[1])
    assert np.mean(ours == held.codes) > 0.95
    assert np.mean(ours == theirs) > 0.95


def test_families_matter() -> None:
    train, held = rings(60, 1), rings(500, 2)
    apart = AdditiveKernel().fit(train).predict_proba(held.X).argmax(axis=1)
    mixed = AdditiveKernel().fit(replace(train, families=None)).predict_proba(held.X).argmax(axis=1)
    assert np.mean(apart == held.codes) > np.mean(mixed == held.codes)


def test_a_family_that_never_varies_changes_nothing() -> None:
    train = rings(60, 1)
    wide = replace(train, X=np.column_stack([train.X, np.full(60, 3.0)]), families=np.append(FAMILIES, 2))
    with_it = AdditiveKernel().fit(wide).predict_proba(wide.X)
    np.testing.assert_allclose(with_it, AdditiveKernel().fit(train).predict_proba(train.X), atol=1e-6)


def test_a_saved_model_is_the_same() -> None:
    task = rings(60, 1)
    fitted = AdditiveKernel().fit(task)
    again = AdditiveKernel().restore(fitted.to_state())
    np.testing.assert_array_equal(again.predict_proba(task.X), fitted.predict_proba(task.X))


def test_columns_of_one_origin_are_a_family() -> None:
    frame = pl.DataFrame(
        {
            "shape 0": [1.0, 2.0, 3.0, 5.0],
            "shape 1": [1.0, None, 3.0, 4.0],
            "age": [1.0, 2.0, 9.0, 7.0],
            "colour": ["red", "blue", "red", "blue"],
        }
    )
    schema = TableSchema.infer(frame)
    encoder = TableEncoder("onehot").fit(schema.extract(frame), schema)
    assert encoder.feature_names == ("shape 0", "shape 1", "age", "shape 1 (missing)", "colour=blue", "colour=red")
    assert encoder.families.tolist() == [0, 0, 1, 0, 2, 2]


@pytest.mark.parametrize("wrong", [{"C": 0.0}, {"n_components": 0}, {"max_iter": 0}])
def test_parameters_are_checked(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="must be positive"):
        AdditiveKernel(**wrong)  # type: ignore[arg-type]

from __future__ import annotations

import json

import numpy as np
import pytest

from steelyard.adjustments import ClassFactors
from steelyard.errors import ArtifactError, UsageError


def test_power_then_factors_then_rows_that_sum_to_one():
    # .64^.5 * 1 = .8 and .36^.5 * 2 = 1.2, over their sum of 2.
    found = ClassFactors((1.0, 2.0), power=0.5).transform(np.array([[0.64, 0.36]]))
    assert found == pytest.approx(np.array([[0.4, 0.6]]))


def test_underflow_keeps_the_ratio():
    # Both products are below the smallest float: 1e-320 * 1e-10 and 2e-320 * 1e-10.
    proba = np.array([[1e-320, 2e-320, 1.0]])
    found = ClassFactors((1.0, 1.0, 0.0)).transform(proba)
    ratio = proba[0, 1] / proba[0, 0]
    assert found[0, 1] / found[0, 0] == pytest.approx(ratio)
    assert found.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("power", [1.0, 5.0])
def test_a_row_without_mass_is_spread_over_the_classes_left(power):
    found = ClassFactors((0.0, 1.0, 3.0), power).transform(np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]]))
    assert found.tolist() == [[0.0, 0.5, 0.5], [0.0, 1.0, 0.0]]


def test_zeros_stay_zeros():
    assert ClassFactors((9.0, 1.0)).transform(np.array([[0.0, 1.0], [1.0, 0.0]])).tolist() == [[0, 1], [1, 0]]


def test_scale_of_the_factors_does_not_matter():
    proba = np.random.default_rng(0).dirichlet(np.ones(4), 20)
    small, large = (ClassFactors(tuple(scale * np.arange(1, 5.0))) for scale in (1e-200, 1e200))
    assert small.transform(proba) == pytest.approx(large.transform(proba), rel=1e-12)


def test_input_is_left_as_it_is():
    proba = np.full((3, 2), 0.5)
    ClassFactors((1.0, 3.0)).transform(proba)
    assert (proba == 0.5).all()


def test_state_round_trip():
    bound = ClassFactors((0.1, 1 / 3), power=0.7)
    assert ClassFactors.from_state(json.loads(json.dumps(bound.to_state(), allow_nan=False))) == bound


def test_other_versions_are_refused():
    with pytest.raises(ArtifactError, match=r"class_factors\.v1"):
        ClassFactors.from_state({"name": "class_factors.v9", "factors": [1.0], "power": 1.0})


@pytest.mark.parametrize("factors", [(-1.0, 1.0), (0.0, 0.0), (np.nan, 1.0), (np.inf, 1.0)])
def test_factors_that_cannot_be(factors):
    with pytest.raises(UsageError, match="factors must be finite"):
        ClassFactors(factors)


@pytest.mark.parametrize("power", [0.0, -1.0, np.nan])
def test_powers_that_cannot_be(power):
    with pytest.raises(UsageError, match="power must be"):
        ClassFactors((1.0,), power)


@pytest.mark.parametrize("shape", [(3,), (3, 3), (1, 2, 2)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(UsageError, match=r"shape \(n_samples, 2\)"):
        ClassFactors((1.0, 2.0)).transform(np.full(shape, 0.5))

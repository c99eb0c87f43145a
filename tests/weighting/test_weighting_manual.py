from __future__ import annotations

import numpy as np
import pytest

from steelyard.errors import UsageError
from steelyard.weighting import Manual, class_weights


def test_weights_are_taken_as_they_are_or_normalised():
    given = {"funny": 4, "soccer": 0.5}
    counts = {"soccer": 80, "funny": 20}
    assert class_weights(counts, Manual(given, normalize=None)).as_dict() == {"funny": 4, "soccer": 0.5}
    # By hand: (20 * 4 + 80 * 0.5) / 100 = 1.2
    assert class_weights(counts, given)["funny"] == pytest.approx(4 / 1.2)


def test_numbers_and_their_texts_name_the_same_class():
    np.testing.assert_array_equal(Manual({"1": 2, "0": 3}, normalize=None).values((0, 1), [5, 5]), [3, 2])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"a": 1}, "missing for the classes b, c"),
        ({"a": 1, "b": 1, "c": 1, "x": 1}, "name x, which is no class; the classes are a, b, c"),
        ({"a": 0, "b": 0, "c": 0}, "weight 0"),
    ],
)
def test_classes_that_do_not_match_are_named(weights, message):
    with pytest.raises(UsageError, match=message):
        Manual(weights).values("abc", [1, 2, 3])


@pytest.mark.parametrize("weight", [-1, float("nan"), float("inf"), "2", None, True])
def test_a_weight_that_is_no_weight_is_refused(weight):
    with pytest.raises(UsageError, match="weight of 'a'"):
        Manual({"a": weight})


def test_weights_must_be_a_mapping():
    with pytest.raises(UsageError, match="mapping"):
        Manual([1, 2])

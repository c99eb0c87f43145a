from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from steelyard.errors import UsageError
from steelyard.weighting import Inverse, Manual


def test_boost_comes_before_normalising():
    # By hand: raw 1/80, 2/5; mean over rows (1 + 2) / 85; so 85/240 and 85 * 2/15.
    weights = Inverse(boost={"funny": 2}).values(("soccer", "funny"), [80, 5])
    np.testing.assert_allclose(weights, [85 / 240, 85 * 2 / 15])


def test_boost_matches_the_text_of_a_class():
    np.testing.assert_allclose(
        Inverse(boost={7: 3}, normalize=None).values((7, 8), [1, 1]),
        Inverse(boost={"7": 3}, normalize=None).values((7, 8), [1, 1]),
    )


@settings(max_examples=100, deadline=None)
@given(
    counts=st.lists(st.integers(1, 10**6), min_size=1, max_size=12),
    low=st.floats(0, 1),
    high=st.floats(1, 50),
    normalize=st.sampled_from(["samples", "classes"]),
)
def test_clip_solves_for_the_scale_that_a_root_finder_finds(counts, low, high, normalize):
    assume(high - low > 1e-3)
    assume(low < 1 < high)
    classes = tuple(range(len(counts)))
    rows = np.array(counts, dtype=float)
    raw = 1 / rows
    mass = rows if normalize == "samples" else np.ones_like(rows)

    def excess(log_scale: float) -> float:
        return float(np.average(np.clip(np.exp(log_scale) * raw, low, high), weights=mass) - 1)

    scale = np.exp(brentq(excess, -30, 30, xtol=1e-13))
    weights = Inverse(normalize=normalize, clip=(low, high)).values(classes, counts)
    np.testing.assert_allclose(weights, np.clip(scale * raw, low, high), rtol=1e-6)


def test_half_to_three():
    # 9:1 by hand: 1/n gives 5/9 and 5; the rare class is held at 3, the rest make up for it: (10 - 3) / 9.
    # Clipped after normalising, as elsewhere: 5/9 and 3, whose mean over the rows is .8, not 1.
    weights = Inverse(clip=(0.5, 3)).values("ab", [9, 1])
    np.testing.assert_allclose(weights, [7 / 9, 3])


def test_clip_without_normalising_is_plain():
    weights = Inverse(clip=(0.1, 0.5), normalize=None).values("abc", [1, 4, 100])
    np.testing.assert_allclose(weights, [0.5, 0.25, 0.1])


def test_clip_that_binds_nothing_changes_nothing():
    free = Inverse().values("abc", [5, 4, 3])
    np.testing.assert_array_equal(Inverse(clip=(0.1, 9)).values("abc", [5, 4, 3]), free)


@pytest.mark.parametrize("bounds", [(1, 3), (0.2, 1), (1, 1)])
def test_bounds_that_touch_one_give_ones(bounds):
    np.testing.assert_allclose(Inverse(clip=bounds).values("ab", [9, 1]), [1, 1], rtol=1e-9)


def test_classes_of_weight_zero_can_make_bounds_impossible():
    with pytest.raises(UsageError, match="cannot have mean weight 1"):
        Manual({"a": 0, "b": 1}, clip=(0, 2)).values("ab", [9, 1])


@pytest.mark.parametrize(
    ("modifiers", "message"),
    [
        ({"clip": (1.5, 3)}, "excludes the mean weight 1"),
        ({"clip": (0.1, 0.9)}, "excludes the mean weight 1"),
        ({"clip": (3, 0.5)}, "low <= high"),
        ({"clip": (0, float("inf"))}, "finite"),
        ({"clip": (0.5,)}, "two numbers"),
        ({"clip": 3}, "two numbers"),
        ({"normalize": "rows"}, "normalize must be samples, classes or none"),
        ({"boost": 2}, "mapping"),
        ({"boost": {"a": 0}}, "boost of 'a'"),
        ({"boost": {"a": -2}}, "boost of 'a'"),
        ({"boost": {"a": "much"}}, "boost of 'a'"),
    ],
)
def test_wrong_modifiers_are_refused_at_once(modifiers, message):
    with pytest.raises(UsageError, match=message) as caught:
        Inverse(**modifiers)
    assert "\n" not in str(caught.value)


def test_a_boost_of_no_class_lists_the_classes():
    with pytest.raises(UsageError, match="boost names 'fun', which is no class; the classes are funny, soccer"):
        Inverse(boost={"fun": 2}).values(("funny", "soccer"), [5, 80])


def test_counts_must_fit_the_classes():
    with pytest.raises(UsageError, match="shape"):
        Inverse().values("ab", [1, 2, 3])

"""Long videos do not swamp short ones: shares of videos by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steelyard.errors import DataError, UsageError
from steelyard.samplers import DurationWeightedSampler

DURATIONS = [10.0, 10.0, 40.0, 4.0, 1.0]
VIDEOS = ["a", "a", "a", "b", "c"]
LABELS = ["soccer", "soccer", "soccer", "soccer", "funny"]


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({}, [0.2] * 5),
        ({"power": 1.0}, [10 / 65, 10 / 65, 40 / 65, 4 / 65, 1 / 65]),
        ({"videos": VIDEOS}, [1 / 18, 1 / 18, 4 / 18, 1 / 3, 1 / 3]),
        ({"videos": VIDEOS, "power": 1.0}, [10 / 65, 10 / 65, 40 / 65, 4 / 65, 1 / 65]),
        ({"videos": VIDEOS, "labels": LABELS}, [1 / 24, 1 / 24, 4 / 24, 1 / 4, 1 / 2]),
        ({"labels": LABELS, "power": 1.0}, [5 / 64, 5 / 64, 20 / 64, 2 / 64, 1 / 2]),
        ({"videos": ["a", "a", None, "b", "c"]}, [1 / 6, 1 / 6, 0, 1 / 3, 1 / 3]),
    ],
)
def test_shares_by_hand(options: dict[str, Any], weights: list[float]) -> None:
    sampler = DurationWeightedSampler(DURATIONS, 50_000, **options)
    np.testing.assert_allclose(sampler.weights, weights, atol=1e-12)
    np.testing.assert_allclose(np.bincount(list(sampler), minlength=5) / 50_000, weights, atol=0.012)


def test_a_power_between_weighs_videos_by_the_root_of_their_length() -> None:
    weights = DurationWeightedSampler([16.0, 1.0], power=0.5).weights
    np.testing.assert_allclose(weights, [0.8, 0.2])


def test_classes_are_balanced_in_the_audit() -> None:
    audit = DurationWeightedSampler(DURATIONS, 20_000, videos=VIDEOS, labels=LABELS).audit()
    np.testing.assert_allclose(audit.intended, 0.5, atol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"durations": [1.0, -2.0]}, DataError, "duration of row 1"),
        ({"durations": [0.0, 0.0]}, DataError, "all durations are 0"),
        ({"durations": [1.0, 2.0], "videos": ["a"]}, DataError, "1 videos for 2 durations"),
        ({"durations": [1.0, 2.0], "labels": ["a"]}, DataError, "1 labels for 2 durations"),
        ({"durations": [1.0, 0.0], "labels": [None, "a"]}, DataError, "nothing to draw"),
        ({"durations": [1.0], "power": "long"}, UsageError, "power"),
    ],
)
def test_bad_input(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        DurationWeightedSampler(**arguments)


def test_it_does_not_guess_durations_from_a_dataset() -> None:
    with pytest.raises(UsageError, match="takes durations"):
        DurationWeightedSampler.from_dataset([1, 2])

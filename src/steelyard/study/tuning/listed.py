"""Grid and random search: which values come next depends on the number of the trial alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from steelyard.study.tuning.inner import Inner, OutOfTimeError
from steelyard.study.tuning.journal import Journal
from steelyard.study.tuning.methods import Trial, Tuning, below_median
from steelyard.study.tuning.space import Dimension, Values, grid_points, start_values

#: Draws before a space is taken to have nothing new.
_DRAWS = 50


def listed_search(
    space: Sequence[Dimension], inner: Inner, tuning: Tuning, seed: int, journal: Journal | None
) -> list[Trial]:
    """Trials of a grid or a random search, those in the journal not done again."""
    trials = journal.trials()[: tuning.most_trials] if journal else []
    done = len(trials)
    proposals = _grid(space, seed) if tuning.method == "grid" else _random(space, seed)
    for number, values in enumerate(proposals):
        if number < done:
            continue
        if tuning.is_over(trials) or (trials and inner.is_late):
            break
        try:
            trial = inner.trial(values, lambda step, value: below_median(trials, step, value), first=not trials)
        except OutOfTimeError:
            break
        if journal:
            journal.add(number, trial)
        trials.append(trial)
    return trials


def _grid(space: Sequence[Dimension], seed: int) -> Iterator[Values]:
    points = grid_points(space)
    # In a random order, so that a search cut short has not seen one end of the grid only.
    for place in np.random.default_rng([seed, 0x6121]).permutation(len(points)):
        yield points[place]


def _random(space: Sequence[Dimension], seed: int) -> Iterator[Values]:
    values = start_values(space)
    seen = [values]
    yield values
    while True:
        rng = np.random.default_rng([seed, len(seen)])
        for _ in range(_DRAWS):
            values = {each.name: each.domain.at(float(rng.random())) for each in space}
            if values not in seen:
                break
        else:
            return
        seen.append(values)
        yield values

"""Greedy ensemble selection: which arms to mix, and how much of each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_BAGS, _STEPS, _SHARE = 8, 30, 0.6
_SMALLEST = 1e-6


def greedy_weights(likelihood: Array, weight: Array, seed: int = 0) -> Array:
    """Weights of arms whose mixture has a low log loss.

    Forward selection with replacement (Caruana et al. 2004): starting from nothing, the arm that lowers the log loss
    of the mixture most is added, thirty times. It is done eight times, each on a random 60 % of the arms and with
    random weights of the rows, and averaged, so that no arm is taken for luck.

    Parameters
    ----------
    likelihood : ndarray of shape (n_arms, n_samples)
        Probability each arm gave to a row's true class, out of fold.
    weight : ndarray of shape (n_samples,)
    seed : int

    Returns
    -------
    ndarray of shape (n_arms,)
        Not negative; they sum to 1.

    Examples
    --------
    >>> likelihood = np.array([[0.9] * 50 + [0.1] * 50, [0.1] * 50 + [0.9] * 50])
    >>> greedy_weights(likelihood, np.ones(100)).tolist()
    [0.5, 0.5]
    """
    rng = np.random.default_rng([seed, 0xB1E4D])
    n_arms, n_rows = likelihood.shape
    clipped = np.clip(likelihood, _SMALLEST, 1.0)
    total = np.zeros(n_arms)
    bags = _BAGS if n_arms > 2 else 1
    for _ in range(bags):
        size = max(2, round(_SHARE * n_arms)) if bags > 1 else n_arms
        arms = np.sort(rng.permutation(n_arms)[:size])
        drawn = weight * rng.exponential(size=n_rows) if bags > 1 else weight
        total += _forward(clipped[arms], drawn / drawn.sum(), arms, n_arms)
    shares: Array = total / total.sum()
    return shares


def _forward(likelihood: Array, weight: Array, arms: NDArray[np.int64], n_arms: int) -> Array:
    mixed, taken = np.zeros(likelihood.shape[1]), np.zeros(n_arms)
    for _ in range(_STEPS):
        gains = np.log(mixed + likelihood) @ weight
        best = int(gains.argmax())
        mixed += likelihood[best]
        taken[arms[best]] += 1.0
    shares: Array = taken / taken.sum()
    return shares

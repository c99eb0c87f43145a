"""What a sampling is to the engine, and to imbalanced-learn's pipelines."""

from __future__ import annotations

import dataclasses
from dataclasses import field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from steelyard.component import Component, component
from steelyard.errors import UsageError
from steelyard.labels import encode_labels

Codes = NDArray[np.int64]
Array = NDArray[np.float64]


@component
class Sampling(Component):
    """A rule that says which training rows a model sees, and how often.

    Parameters
    ----------
    random_state : int, optional
        Seed of ``fit_resample``. A study seeds every fit itself and does not look at it.
    """

    kind: ClassVar[str] = "sampling"
    #: Whether it makes rows that were not there; such a sampling implements ``resample`` and needs rows without gaps.
    synthetic: ClassVar[bool] = False
    #: Whether it raises the share of rare classes.
    raises_rare: ClassVar[bool] = True

    @property
    def mixing(self) -> float:
        """Alpha of the Beta distribution by which each row is mixed with another of its batch; 0: none is."""
        return 0.0

    random_state: int | None = field(default=None, kw_only=True)

    def draw(self, codes: Codes, n_classes: int, rng: np.random.Generator) -> Codes:
        """Positions of the rows to train on, repeats included.

        Parameters
        ----------
        codes : ndarray of shape (n_rows,)
            Class of each training row, from 0 to ``n_classes - 1``.
        n_classes : int
            Number of classes, absent ones included.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray of int64
            Positions in ``codes``.
        """
        raise NotImplementedError

    def draw_sequences(self, codes: Codes, sequence: Codes, n_classes: int, rng: np.random.Generator) -> Codes:
        """Sequences to train on, repeats included, for a model that learns from whole ones.

        A sampling of rows draws as many sequences as there are, in the shares in which it draws their rows.

        Parameters
        ----------
        codes : ndarray of shape (n_rows,)
        sequence : ndarray of int64, shape (n_rows,)
            Number of the sequence that each row is in.
        n_classes : int
        rng : numpy.random.Generator

        Returns
        -------
        ndarray of int64
            Numbers of sequences.
        """
        present = np.unique(sequence)
        if not self.raises_rare:
            return rng.permutation(present)
        drawn: Codes = sequence[rng.permutation(self.draw(codes, n_classes, rng))]
        return drawn[: len(present)]

    def sequence_rates(self, codes: Codes, sequence: Codes, n_classes: int) -> Array:
        """Expected draws of each sequence that has rows, shape (highest number + 1,); their mean is about 1.

        Parameters are those of :meth:`draw_sequences`.
        """
        rates = self.rates(np.bincount(codes, minlength=n_classes))[codes]
        sums = np.bincount(sequence, weights=rates)
        scaled: Array = sums * np.count_nonzero(sums) / sums.sum()
        return scaled

    def resample(self, X: Array, codes: Codes, n_classes: int, rng: np.random.Generator) -> tuple[Array, Codes]:
        """Rows to train on, and their classes.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns)
        codes : ndarray of shape (n_rows,)
        n_classes : int
        rng : numpy.random.Generator

        Returns
        -------
        X : ndarray of shape (n_drawn, n_columns)
        codes : ndarray of int64, shape (n_drawn,)
        """
        drawn = self.draw(codes, n_classes, rng)
        return X[drawn], codes[drawn]

    def rates(self, counts: Codes) -> Array:
        """Expected draws per row of each class: what the sampling weighs the classes by.

        Parameters
        ----------
        counts : ndarray of shape (n_classes,)
            Training rows of each class.

        Returns
        -------
        ndarray of float64, shape (n_classes,)
            1 for a class without rows.
        """
        raise NotImplementedError

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Resampled rows and labels: imbalanced-learn's protocol, so that it works in its ``Pipeline``.

        Parameters
        ----------
        X : array, or pandas or polars data frame, of shape (n_rows, n_columns)
        y : array-like of shape (n_rows,)

        Returns
        -------
        X, y
            Of the kinds that were given; y as an array where it was a list.

        Raises
        ------
        UsageError
            When X and y differ in length, or a label is missing.
        """
        encoded = encode_labels(y)
        if len(encoded.codes) != len(X):
            raise UsageError(f"{self.name}: X has {len(X)} rows and y has {len(encoded.codes)} labels")
        if (encoded.codes < 0).any():
            raise UsageError(f"{self.name}: y has missing labels; leave those rows out first")
        rng = np.random.default_rng(self.random_state)
        if self.synthetic:
            made, codes = self.resample(np.asarray(X, dtype=np.float64), encoded.codes, len(encoded.classes), rng)
            return made, np.asarray(encoded.classes)[codes]
        drawn = self.draw(encoded.codes, len(encoded.classes), rng)
        return _take(X, drawn), _take(y, drawn)

    # scikit-learn clones and sets estimators by these two; a pipeline needs no more of a resampler.
    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name, as scikit-learn asks for them."""
        return self.params()

    def set_params(self, **params: Any) -> Self:
        """Change parameters in place, as scikit-learn's searches do with their own clones."""
        changed = dataclasses.replace(self, **params)
        for key, value in changed.params().items():
            object.__setattr__(self, key, value)
        return self


def repeat_permuted(rows: Codes, size: int, rng: np.random.Generator) -> Codes:
    """``size`` draws in which every row comes once before any comes again."""
    whole, rest = divmod(size, len(rows))
    return np.concatenate([np.tile(rows, whole), rng.permutation(rows)[:rest]])


def draw_sizes(codes: Codes, sizes: Codes, rng: np.random.Generator) -> Codes:
    """Positions with ``sizes[k]`` draws of class k, in the order of the rows."""
    drawn = [repeat_permuted(np.flatnonzero(codes == k), int(size), rng) for k, size in enumerate(sizes) if size]
    return np.sort(np.concatenate(drawn))


def shared_out(total: int, shares: Array, rng: np.random.Generator) -> Codes:
    """Whole numbers in proportion to ``shares`` that add up to ``total``; lot decides who gets the odd ones."""
    exact = total * shares / shares.sum()
    sizes: Codes = np.floor(exact).astype(np.int64)
    left = total - int(sizes.sum())
    # Largest remainders first; equal remainders are ordered by lot.
    order = np.lexsort((rng.random(len(sizes)), -(exact - sizes)))
    sizes[order[:left]] += 1
    return sizes


def _take(values: Any, rows: Codes) -> Any:
    if hasattr(values, "iloc"):
        return values.iloc[rows]
    if hasattr(values, "gather_every"):  # polars
        return values[rows.tolist()]
    return np.asarray(values)[rows] if isinstance(values, (list, tuple)) else values[rows]

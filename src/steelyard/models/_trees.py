"""Forests of decision trees as plain arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import ArtifactError, UsageError
from steelyard.models._base import Array, FitTask, ModelState, spread

Rows = NDArray[np.int64]
#: From a random generator to the rows of one tree (some twice or not at all), given the task's codes.
Draw = Callable[[np.random.Generator], Rows]


def check_whole_numbers(name: str, **values: object) -> None:
    """Raise a UsageError unless all are positive whole numbers."""
    for key, value in values.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise UsageError(f"{name}: {key} must be a positive whole number, not {value!r}")


def grow_trees(
    task: FitTask,
    n_trees: int,
    *,
    min_samples_leaf: int = 1,
    at_random: bool = False,
    all_features: bool = False,
    draw: Draw | None = None,
) -> FittedTrees:
    """Trees grown on one task.

    Parameters
    ----------
    task : FitTask
        Without missing values.
    n_trees : int
    min_samples_leaf : int
    at_random : bool
        Draw one cut for each column that is tried, in place of searching the best.
    all_features : bool
        Try every column at a split, in place of as many as the root of their number.
    draw : callable, optional
        Rows of a tree; all of them, each once, by default. What is drawn often weighs as often.
    """
    from steelyard.models._tree_kernels import grow

    rng = np.random.default_rng(task.seed)
    present, codes = np.unique(task.codes, return_inverse=True)
    columns = np.ascontiguousarray(np.asarray(task.X, dtype=np.float32).T)
    n_columns, n_rows = columns.shape
    max_features = n_columns if all_features else max(1, int(np.sqrt(n_columns)))
    grown = []
    for seed in rng.integers(2**62, size=n_trees):
        times = np.ones(n_rows) if draw is None else np.bincount(draw(rng), minlength=n_rows).astype(np.float64)
        weight = task.sample_weight * times
        rows = np.flatnonzero(weight > 0)
        size = 2 * len(rows) - 1
        feature, child, leaf = (np.empty(size, dtype=np.int32) for _ in range(3))
        threshold, mixed = np.empty(size, dtype=np.float32), np.empty((len(rows), len(present)), dtype=np.float32)
        n_nodes, n_mixed = grow(
            columns, codes, weight, rows, len(present), max_features, min_samples_leaf, at_random, int(seed),
            feature, threshold, child, leaf, mixed,
        )  # fmt: skip
        parts = (feature[:n_nodes], threshold[:n_nodes], child[:n_nodes], leaf[:n_nodes], mixed[:n_mixed])
        grown.append(tuple(part.copy() for part in parts))
    return FittedTrees.joined(grown, present, task.n_classes, n_columns)


@dataclass(frozen=True)
class FittedTrees:
    """All nodes of all trees, one after the other.

    Parameters
    ----------
    roots : ndarray of int64, shape (n_trees,)
        First node of each tree.
    feature : ndarray of int32, shape (n_nodes,)
        Column that a node asks; -1 in a leaf.
    threshold : ndarray of float32, shape (n_nodes,)
        Rows at or below it go to the first child.
    child : ndarray of int32, shape (n_nodes,)
        First of the two children.
    leaf : ndarray of int32, shape (n_nodes,)
        Position of a pure leaf's class among ``present``, or that number of classes plus a row of ``mixed``.
    mixed : ndarray of float32, shape (n_mixed, n_present)
        Class shares of leaves that are not pure.
    present : ndarray of int64
        Codes of the classes that had training rows.
    n_classes, n_columns : int
    """

    roots: NDArray[np.int64]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    child: NDArray[np.int32]
    leaf: NDArray[np.int32]
    mixed: NDArray[np.float32]
    present: NDArray[np.int64]
    n_classes: int
    n_columns: int

    @classmethod
    def joined(
        cls, trees: Sequence[tuple[NDArray[Any], ...]], present: Rows, n_classes: int, n_columns: int
    ) -> FittedTrees:
        """Forest of trees whose nodes and mixed leaves are counted from 0 each."""
        sizes, mixed_sizes = [len(tree[0]) for tree in trees], [len(tree[4]) for tree in trees]
        roots = np.r_[0, np.cumsum(sizes)[:-1]].astype(np.int64)
        offsets = np.r_[0, np.cumsum(mixed_sizes)[:-1]]
        feature, threshold, child, leaf, mixed = (np.concatenate(parts) for parts in zip(*trees, strict=True))
        child = child + np.repeat(roots, sizes).astype(np.int32)
        leaf = np.where(leaf >= len(present), leaf + np.repeat(offsets, sizes), leaf).astype(np.int32)
        return cls(roots, feature, threshold, child, leaf, mixed, present, n_classes, n_columns)

    def predict_proba(self, X: Array) -> Array:
        """Probabilities (n_rows, n_classes): the mean of the leaves' class shares."""
        from steelyard.models._tree_kernels import read

        out = np.zeros((len(X), len(self.present)))
        rows = np.ascontiguousarray(X, dtype=np.float32)
        read(rows, self.roots, self.feature, self.threshold, self.child, self.leaf, self.mixed, out)
        return spread(out / out.sum(axis=1, keepdims=True), self.present, self.n_classes)

    def to_state(self) -> ModelState:
        """Arrays from which the model is made again."""
        names = ("roots", "feature", "threshold", "child", "leaf", "mixed", "present")
        meta = {"n_classes": self.n_classes, "n_columns": self.n_columns}
        return ModelState(meta, {name: getattr(self, name) for name in names})

    @classmethod
    def from_state(cls, state: ModelState) -> FittedTrees:
        """Forest from its state, checked: compiled code would follow wrong links out of its memory.

        Raises
        ------
        ArtifactError
            When a node points outside the forest.
        """
        arrays = state.arrays
        made = cls(**arrays, n_classes=int(state.meta["n_classes"]), n_columns=int(state.meta["n_columns"]))
        nodes = np.arange(len(made.feature))
        inner = made.feature >= 0
        sizes = {len(made.threshold), len(made.child), len(made.leaf), len(nodes)}
        child = made.child[inner].astype(np.int64)
        last = len(made.present) + len(made.mixed)
        sound = (
            len(sizes) == 1
            and len(made.roots) > 0
            and made.mixed.ndim == 2
            and made.mixed.shape[1] == len(made.present)
            # A child always stands behind its parent, so a walk down also ends.
            and bool((child > nodes[inner]).all() and (child + 1 < len(nodes)).all())
            and bool((made.feature[inner] < made.n_columns).all())
            and bool((made.leaf[~inner] >= 0).all() and (made.leaf[~inner] < last).all())
            and bool((made.roots >= 0).all() and (made.roots < len(nodes)).all())
            and bool((made.present >= 0).all() and (made.present < made.n_classes).all())
        )
        if not sound:
            raise ArtifactError("the saved forest is damaged: a node points outside it; train and save again")
        return made

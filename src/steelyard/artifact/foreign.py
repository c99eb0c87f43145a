"""Foreign scikit-learn parts: read by skops, with a reviewed list of types, and looked over before use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from steelyard.errors import ArtifactError

#: Types that skops does not trust by itself and that were read: they hold arrays and numbers and run nothing when
#: they are made. ``functools.partial`` is only made around functions that are trusted too.
REVIEWED = frozenset(
    {
        "functools.partial",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils.validation.check_array",
    }
)


def load_estimator(path: Path, trusted: tuple[str, ...] = ()) -> Any:
    """Fitted estimator from a skops file.

    Raises
    ------
    ArtifactError
        When the file is damaged, holds a type that is neither reviewed nor trusted by the caller, or holds a tree
        that points outside itself.
    """
    import skops.io

    content = path.read_bytes()
    try:
        unknown = set(skops.io.get_untrusted_types(data=content)) - REVIEWED - set(trusted)
        if unknown:
            raise ArtifactError(
                f"{path} holds types that are not trusted: {', '.join(sorted(unknown))}; when you know where it "
                "comes from, load it from Python with steelyard.load(path, trusted=(...))"
            )
        estimator = skops.io.loads(content, trusted=sorted(REVIEWED | set(trusted)))
    except ArtifactError:
        raise
    except Exception as error:  # a hostile zip file can raise anything
        raise ArtifactError(f"{path} is damaged: {type(error).__name__}: {error}") from None
    check_trees(estimator, path)
    return estimator


def check_trees(estimator: Any, path: Path) -> None:
    """Refuse trees with links outside themselves: compiled code would follow them out of its memory."""
    for part in _parts(estimator):
        n_columns = int(getattr(part, "n_features_in_", 0))
        # Members are measured by their ensemble too: it hands them its rows unchecked.
        members = np.ravel(np.array(getattr(part, "estimators_", []), dtype=object))
        for tree in (getattr(member, "tree_", None) for member in (part, *members)):
            if tree is not None:
                # scikit-learn takes -1, and nothing else, for a leaf.
                inner = tree.children_left != -1
                _check_links(tree.children_left, tree.children_right, tree.feature, inner, n_columns, path)
        for predictor in (predictor for round_ in getattr(part, "_predictors", []) for predictor in round_):
            nodes = predictor.nodes
            inner = nodes["is_leaf"] == 0
            _check_links(nodes["left"], nodes["right"], nodes["feature_idx"], inner, n_columns, path)
            sets = nodes["bitset_idx"][inner & (nodes["is_categorical"] != 0)]
            if (sets >= len(predictor.raw_left_cat_bitsets)).any():
                raise ArtifactError(f"{path} holds a tree with links outside itself")


def _parts(root: Any) -> Iterator[Any]:
    """The object and everything it is made of: trees may sit in a pipeline, or in an ensemble of ensembles."""
    stack, seen = [root], set()
    while stack:
        part = stack.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, Mapping):
            stack += part.values()
        elif isinstance(part, (list, tuple, set)) or (isinstance(part, np.ndarray) and part.dtype == object):
            stack += np.ravel(part).tolist() if isinstance(part, np.ndarray) else part
        elif hasattr(part, "__dict__") and not isinstance(part, type):
            stack += vars(part).values()
            yield part


def _check_links(left: Any, right: Any, feature: Any, inner: Any, n_columns: int, path: Path) -> None:
    own = np.flatnonzero(inner)
    for child in (np.asarray(left)[own].astype(np.int64), np.asarray(right)[own].astype(np.int64)):
        # A child always stands behind its parent, so a walk down also ends.
        if ((child <= own) | (child >= len(inner))).any():
            raise ArtifactError(f"{path} holds a tree with links outside itself")
    if ((np.asarray(feature)[own] < 0) | (np.asarray(feature)[own] >= n_columns)).any():
        raise ArtifactError(f"{path} holds a tree that asks for a column that is not there")

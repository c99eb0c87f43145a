"""Trees as ONNX tree ensembles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import UsageError
from steelyard.export.graph import TREES, Graph


@dataclass
class _Nodes:
    """Columns of the operator's node table, and of its table of leaf values."""

    tree: list[int] = field(default_factory=list)
    node: list[int] = field(default_factory=list)
    feature: list[int] = field(default_factory=list)
    mode: list[str] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    yes: list[int] = field(default_factory=list)
    no: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    leaf_tree: list[int] = field(default_factory=list)
    leaf_node: list[int] = field(default_factory=list)
    leaf_target: list[int] = field(default_factory=list)
    leaf_value: list[float] = field(default_factory=list)

    def add(
        self, tree: int, node: int, feature: int, mode: str, value: float, yes: int, no: int, missing: bool
    ) -> None:
        """A node; a leaf has the mode LEAF."""
        columns = (self.tree, self.node, self.feature, self.mode, self.value, self.yes, self.no, self.missing)
        for column, entry in zip(columns, (tree, node, feature, mode, value, yes, no, int(missing)), strict=True):
            column.append(entry)  # type: ignore[attr-defined]

    def leaf(self, tree: int, node: int, values: Mapping[int, float]) -> None:
        """A leaf and what it adds to each target."""
        self.add(tree, node, 0, "LEAF", 0.0, 0, 0, False)
        for target, value in values.items():
            self.leaf_tree.append(tree)
            self.leaf_node.append(node)
            self.leaf_target.append(target)
            self.leaf_value.append(value)

    def write(self, graph: Graph, X: str, n_targets: int, dtype: Any) -> str:
        """Sum of the leaves' values over all trees, (n_rows, n_targets)."""
        from onnx import numpy_helper

        def reals(name: str, values: list[float]) -> dict[str, Any]:
            if dtype == np.float32:
                return {name: values}
            return {f"{name}_as_tensor": numpy_helper.from_array(np.array(values, dtype=np.float64), name)}

        return graph.op(
            "TreeEnsembleRegressor",
            X,
            domain=TREES,
            n_targets=n_targets,
            aggregate_function="SUM",
            post_transform="NONE",
            nodes_treeids=self.tree,
            nodes_nodeids=self.node,
            nodes_featureids=self.feature,
            nodes_modes=self.mode,
            nodes_truenodeids=self.yes,
            nodes_falsenodeids=self.no,
            nodes_missing_value_tracks_true=self.missing,
            target_treeids=self.leaf_tree,
            target_nodeids=self.leaf_node,
            target_ids=self.leaf_target,
            **reals("nodes_values", self.value),
            **reals("target_weights", self.leaf_value),
        )


def forest_shares(graph: Graph, arrays: Mapping[str, NDArray[Any]], X: str) -> str:
    """Mean class shares of the leaves of a forest's trees."""
    roots, feature, child, leaf = (arrays[name] for name in ("roots", "feature", "child", "leaf"))
    n_present, nodes = len(arrays["present"]), _Nodes()
    ends = np.r_[roots[1:], len(feature)]
    for tree, (root, end) in enumerate(zip(roots.tolist(), ends.tolist(), strict=True)):
        for node in range(root, end):
            if feature[node] >= 0:
                first = int(child[node]) - root
                value = float(arrays["threshold"][node])
                nodes.add(tree, node - root, int(feature[node]), "BRANCH_LEQ", value, first, first + 1, False)
            elif leaf[node] < n_present:
                nodes.leaf(tree, node - root, {int(leaf[node]): 1.0})
            else:
                shares = arrays["mixed"][leaf[node] - n_present]
                nodes.leaf(tree, node - root, {k: float(share) for k, share in enumerate(shares) if share > 0})
    # Cuts are float32, and so are the values they are compared with.
    summed = nodes.write(graph, graph.to(X, np.float32), n_present, np.float32)
    return graph.normalised(graph.to(summed, np.float64))


def boosted_scores(graph: Graph, text: str, n_present: int, X: str) -> str:
    """Raw scores of a LightGBM model: (n_rows, 1) for two classes, else one column for each.

    Raises
    ------
    UsageError
        When LightGBM is not installed.
    """
    try:
        import lightgbm
    except (ImportError, OSError):
        raise UsageError("a LightGBM model is exported by LightGBM: pip install 'steelyard[boost]'") from None
    dumped = lightgbm.Booster(model_str=text).dump_model()
    n_targets, nodes = 1 if n_present == 2 else n_present, _Nodes()
    for number, tree in enumerate(dumped["tree_info"]):
        _Tree(nodes, number, number % n_targets).add(tree["tree_structure"])
    return nodes.write(graph, X, n_targets, np.float64)


class _Tree:
    """One tree of LightGBM's, node by node."""

    def __init__(self, nodes: _Nodes, tree: int, target: int) -> None:
        self.nodes, self.tree, self.target, self.count = nodes, tree, target, 0

    def add(self, part: Mapping[str, Any]) -> int:
        """Number of the node that a part of the dump became."""
        node = self._next()
        if "leaf_value" in part:
            self.nodes.leaf(self.tree, node, {self.target: float(part["leaf_value"])})
            return node
        if part["decision_type"] == "==":
            self._categories(node, part)
            return node
        place = self._reserve()
        yes, no = self.add(part["left_child"]), self.add(part["right_child"])
        value = float(part["threshold"])
        # Where training had no gaps, LightGBM takes a gap for 0.
        missing = part["default_left"] if part["missing_type"] == "NaN" else value >= 0.0
        self._fill(place, node, int(part["split_feature"]), "BRANCH_LEQ", value, yes, no, missing)
        return node

    def _categories(self, node: int, part: Mapping[str, Any]) -> None:
        """A set of categories, as a chain of questions with one answer each."""
        codes = [float(code) for code in str(part["threshold"]).split("||")]
        chain = [node, *(self._next() for _ in codes[1:])]
        places = [self._reserve() for _ in codes]
        yes, no = self.add(part["left_child"]), self.add(part["right_child"])
        for i, (place, code) in enumerate(zip(places, codes, strict=True)):
            otherwise = chain[i + 1] if i + 1 < len(chain) else no
            self._fill(place, chain[i], int(part["split_feature"]), "BRANCH_EQ", code, yes, otherwise, False)

    def _next(self) -> int:
        self.count += 1
        return self.count - 1

    def _reserve(self) -> int:
        self.nodes.add(self.tree, -1, 0, "LEAF", 0.0, 0, 0, False)
        return len(self.nodes.tree) - 1

    def _fill(
        self, at: int, node: int, feature: int, mode: str, value: float, yes: int, no: int, missing: bool
    ) -> None:
        table = self.nodes
        table.node[at], table.feature[at], table.mode[at], table.value[at] = node, feature, mode, value
        table.yes[at], table.no[at], table.missing[at] = yes, no, int(missing)

"""An ONNX graph under construction."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

OPSET, TREE_OPSET = 18, 3
TREES = "ai.onnx.ml"


class Graph:
    """Nodes and constants; each operation gives the name of its result.

    Examples
    --------
    >>> graph = Graph()
    >>> graph.op("Add", "a", graph.const(np.ones(2)))
    'v1'
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._count = 0

    def const(self, values: Any) -> str:
        """Name of an array that is part of the graph."""
        from onnx import numpy_helper

        name = self._name()
        # ascontiguousarray would make a number an array of one.
        self.constants.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Name of the result of an operation."""
        from onnx import helper

        name = self._name()
        self.nodes.append(helper.make_node(kind, list(inputs), [name], domain=domain, **attributes))
        return name

    def to(self, value: str, dtype: Any) -> str:
        """Value cast to a NumPy type."""
        from onnx import helper

        return self.op("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def column(self, value: str, index: int) -> str:
        """One column of a matrix, of shape (n_rows, 1)."""
        return self.op("Gather", value, self.const(np.array([index], dtype=np.int64)), axis=1)

    def columns(self, value: str, indices: NDArray[np.int64]) -> str:
        """Some columns of a matrix."""
        return self.op("Gather", value, self.const(np.asarray(indices, dtype=np.int64)), axis=1)

    def normalised(self, value: str) -> str:
        """Rows divided by their sum."""
        axis = self.const(np.array([1], dtype=np.int64))
        return self.op("Div", value, self.op("ReduceSum", value, axis, keepdims=1))

    def _name(self) -> str:
        self._count += 1
        return f"v{self._count - 1}"

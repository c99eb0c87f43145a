"""Models as ONNX: encoders, members, mixture and decision rule in one graph."""

from __future__ import annotations

from steelyard.export.model import export_onnx, row_inputs

__all__ = ["export_onnx", "row_inputs"]

"""Raw rows to numbers: what kind each column is, and how a model of a certain kind wants to see it."""

from __future__ import annotations

from steelyard.features._base import FittedEncoder
from steelyard.features.columns import holds_text
from steelyard.features.encoder import TableEncoder
from steelyard.features.matrix import TableMatrix
from steelyard.features.schema import ColumnSchema, TableSchema
from steelyard.features.tokens import token_features

__all__ = [
    "ColumnSchema",
    "FittedEncoder",
    "TableEncoder",
    "TableMatrix",
    "TableSchema",
    "holds_text",
    "token_features",
]

"""Tables as numbers: the schema of the columns, the rows under it, and the encodings models see."""

from __future__ import annotations

from steelyard.features._base import FittedEncoder
from steelyard.features.encoder import TableEncoder
from steelyard.features.matrix import MISSING, UNKNOWN, TableMatrix
from steelyard.features.schema import MAX_CATEGORIES, ColumnSchema, TableSchema

__all__ = [
    "MAX_CATEGORIES",
    "MISSING",
    "UNKNOWN",
    "ColumnSchema",
    "FittedEncoder",
    "TableEncoder",
    "TableMatrix",
    "TableSchema",
]

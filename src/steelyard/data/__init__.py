"""Readers: files and in-memory frames to one kind of table, with labels and ids kept as the text they are."""

from __future__ import annotations

from steelyard.data.conll import Tokens, is_conll, read_conll
from steelyard.data.portions import read_portions
from steelyard.data.source import ReadOptions, Source
from steelyard.data.table import (
    SUFFIXES,
    TableSplit,
    count_duplicates,
    duplicate_groups,
    frame_from,
    read_source,
    read_table,
    split_columns,
)

__all__ = [
    "SUFFIXES",
    "ReadOptions",
    "Source",
    "TableSplit",
    "Tokens",
    "count_duplicates",
    "duplicate_groups",
    "frame_from",
    "is_conll",
    "read_conll",
    "read_portions",
    "read_source",
    "read_table",
    "split_columns",
]

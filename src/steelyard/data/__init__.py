"""Readers: files and in-memory frames to one kind of table, with labels and ids kept as the text they are."""

from __future__ import annotations

from steelyard.data.table import (
    SUFFIXES,
    TableSplit,
    count_duplicates,
    duplicate_groups,
    frame_from,
    read_table,
    split_columns,
)

__all__ = [
    "SUFFIXES",
    "TableSplit",
    "count_duplicates",
    "duplicate_groups",
    "frame_from",
    "read_table",
    "split_columns",
]

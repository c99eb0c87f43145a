"""Sorting files into class folders: nothing is overwritten, nothing is lost, everything can be undone."""

from __future__ import annotations

from steelyard.collection.carry import Carried, carry_out
from steelyard.collection.lock import locked
from steelyard.collection.names import UNSURE, folder_names
from steelyard.collection.plan import Placement, place_files
from steelyard.collection.undo import Undone, undo_last

__all__ = [
    "UNSURE",
    "Carried",
    "Placement",
    "Undone",
    "carry_out",
    "folder_names",
    "locked",
    "place_files",
    "undo_last",
]

"""Files to sort, and what the tests of a sort share."""

from __future__ import annotations

import hashlib

from steelyard.collection import Placement, carry_out, place_files


def tree(folder):
    """Contents by name of all files but a sort's own."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".steelyard-sort" not in path.parts
    }


def placements(folder, to=lambda path: "soccer" if path.name < "c" else "funny"):
    return [
        Placement(path, to(path), to(path), 0.9, hashlib.sha256(path.read_bytes()).digest())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]


def sort(folder, into, *, move=False, **options):
    into.mkdir(exist_ok=True)
    return carry_out(place_files(placements(folder, **options), into), folder, into, move=move)

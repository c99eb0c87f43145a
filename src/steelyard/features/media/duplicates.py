"""Files that are the same, or the same picture saved again: they must not be in two folds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steelyard.features.media.extraction import Extracted
from steelyard.features.media.fingerprint import N_SIGNS
from steelyard.features.media.kinds import TEXT

#: Signs of 256 that may differ between copies, and how far their mean colours may lie apart (of 255).
MOST_SIGNS = 24
MOST_COLOUR = 10.0
_BLOCK = 512


def duplicate_files(extracted: Extracted) -> tuple[NDArray[np.int64], int, int]:
    """Group of each file, where copies share one, and the numbers of exact and of near copies.

    Exact copies have the same content. Near copies, such as a picture that was scaled or saved again, agree in at
    least 232 of the 256 signs of their fingerprint, and in their mean colours; texts in all but case and spaces.

    Returns
    -------
    ndarray of int64, shape (n_files,)
        Numbers from 0 in order of first appearance.
    n_exact, n_near : int
        Files that repeat the content, or the look, of an earlier one.
    """
    n = len(extracted.files)
    _, content = np.unique(np.array(extracted.digests, dtype="S32"), return_inverse=True) if n else (None, np.empty(0))
    exact = _first(content.astype(np.int64))
    parent = exact.copy()
    kinds = np.array(extracted.kinds)
    for kind in set(extracted.kinds):
        rows = np.flatnonzero((kinds == kind) & (exact == np.arange(n)))
        for a, b in _pairs(extracted.fingerprints[rows], exactly=kind == TEXT):
            _join(parent, int(rows[a]), int(rows[b]))
    roots = np.array([_root(parent, row) for row in range(n)], dtype=np.int64)
    n_exact = int((exact != np.arange(n)).sum())
    n_near = int((roots != np.arange(n)).sum()) - n_exact
    return np.unique(roots, return_inverse=True)[1].astype(np.int64), n_exact, n_near


def _first(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    found: NDArray[np.int64] = first[inverse].astype(np.int64)
    return found


def _pairs(prints: NDArray[np.uint8], *, exactly: bool) -> list[tuple[int, int]]:
    """Pairs of rows whose fingerprints are close."""
    if exactly:
        codes = np.unique(prints, axis=0, return_inverse=True)[1].ravel() if len(prints) else np.empty(0, dtype=int)
        first = _first(codes.astype(np.int64))
        return [(int(first[row]), row) for row in np.flatnonzero(first != np.arange(len(prints))).tolist()]
    words = np.ascontiguousarray(prints[:, :N_SIGNS]).view(np.uint64)
    colours = prints[:, N_SIGNS:].astype(np.float32)
    found: list[tuple[int, int]] = []
    for start in range(0, len(prints), _BLOCK):
        block = words[start : start + _BLOCK]
        # A quarter of the signs rules out nearly all pairs, at a quarter of the cost.
        near = np.bitwise_count(block[:, None, 0] ^ words[None, start:, 0]) <= MOST_SIGNS
        left, right = np.nonzero(near)
        left, right = left[right > left] + start, right[right > left] + start
        signs = np.bitwise_count(words[left] ^ words[right]).sum(axis=1)
        left, right = left[signs <= MOST_SIGNS], right[signs <= MOST_SIGNS]
        apart = np.abs(colours[left] - colours[right]).mean(axis=1)
        found += zip(left[apart <= MOST_COLOUR].tolist(), right[apart <= MOST_COLOUR].tolist(), strict=True)
    return found


def _root(parent: NDArray[np.int64], row: int) -> int:
    while parent[row] != row:
        parent[row] = parent[parent[row]]
        row = int(parent[row])
    return row


def _join(parent: NDArray[np.int64], a: int, b: int) -> None:
    a, b = sorted((_root(parent, a), _root(parent, b)))
    parent[b] = a

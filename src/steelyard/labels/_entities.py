"""Tags of tokens read as entities, by the rules of seqeval, and put right where they do not follow their scheme."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

#: What a tag may begin with; S is a whole entity, E (or L) its last token, I (or M) one inside.
_PREFIXES = {"B": "B", "I": "I", "E": "E", "S": "S", "L": "E", "U": "S", "M": "I"}

Entity = tuple[str, int, int]


def split_tag(tag: str) -> tuple[str, str]:
    """Prefix and type of a tag; ``O`` has no type.

    Examples
    --------
    >>> split_tag("B-creative-work"), split_tag("O"), split_tag("U-PER")
    (('B', 'creative-work'), ('O', ''), ('S', 'PER'))
    """
    head, dash, kind = tag.partition("-")
    if dash and head in _PREFIXES:
        return _PREFIXES[head], kind
    return ("O", "") if tag in ("O", "") else ("I", tag)


def entities_of(tags: Sequence[str]) -> list[Entity]:
    """Entities of one sequence: type, first position, last position.

    An entity begins at B or S, after the end of another, or where the type changes, so that an I that follows no B
    begins one too: the rules of conlleval and of seqeval's default mode.

    Parameters
    ----------
    tags : sequence of str
        In IOB, BIO, BIOES or BILOU.

    Examples
    --------
    >>> entities_of(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
    [('PER', 0, 1), ('LOC', 3, 3), ('LOC', 4, 4)]
    """
    found: list[Entity] = []
    before, kind_before, start = "O", "", 0
    for place, tag in enumerate([*tags, "O"]):
        prefix, kind = split_tag(tag)
        inside = before != "O"
        changes = kind != kind_before
        if inside and (prefix in "OBS" or before in "ES" or changes):
            found.append((kind_before, start, place - 1))
            inside = False
        if prefix != "O" and not inside:
            start = place
        before, kind_before = prefix, kind
    return found


def repair_tags(tags: Sequence[str]) -> list[str]:
    """Tags of one sequence that follow BIO: an I that continues nothing of its type becomes a B.

    The entities stay those that :func:`entities_of` reads. Tags that have E or S are given back as they are.

    Examples
    --------
    >>> repair_tags(["I-PER", "I-PER", "I-LOC", "O", "I-LOC"])
    ['B-PER', 'I-PER', 'B-LOC', 'O', 'B-LOC']
    """
    parts = [split_tag(tag) for tag in tags]
    if any(prefix in "ES" for prefix, _ in parts):
        return list(tags)
    made = list(tags)
    for place, (prefix, kind) in enumerate(parts):
        before = parts[place - 1] if place else ("O", "")
        if prefix == "I" and (before[0] == "O" or before[1] != kind):
            made[place] = f"B-{kind}"
    return made


def entity_counts(truth: Iterable[Sequence[str]], predicted: Iterable[Sequence[str]]) -> NDArray[np.int64]:
    """Entities found, predicted and there, of each sequence: shape (n_sequences, 3).

    One is found where its type, its first and its last position are predicted.
    """
    rows = []
    for true, other in zip(truth, predicted, strict=True):
        a, b = set(entities_of(true)), set(entities_of(other))
        rows.append((len(a & b), len(b), len(a)))
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def entity_f1(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """F1 over the sequences of :func:`entity_counts`: ``2 found / (predicted + there)``, 0 where there is none.

    Examples
    --------
    >>> counts = entity_counts([["B-PER", "I-PER", "O"]], [["B-PER", "O", "B-LOC"]])
    >>> counts.tolist(), float(entity_f1(counts))
    ([[0, 2, 1]], 0.0)
    """
    total = counts.sum(axis=-2)
    made: NDArray[np.float64] = 2 * total[..., 0] / np.maximum(total[..., 1] + total[..., 2], 1)
    return made

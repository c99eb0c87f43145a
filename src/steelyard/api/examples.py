"""Files of a collection, or texts of a table, that the best arm got right or wrong, for the report."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.api.token_examples import token_examples
from steelyard.errors import SteelyardError
from steelyard.features.media import kind_of
from steelyard.features.media.image import open_image
from steelyard.features.media.kinds import IMAGE, TEXT, VIDEO
from steelyard.features.media.text import decode_text
from steelyard.features.media.video import sample_frames
from steelyard.report.thumbnails import Example, ExampleGroup
from steelyard.report.words import clean
from steelyard.study import StudyOutcome

#: Pictures of a group, and of one class in it: the report stays far below a megabyte.
_MOST, _MOST_OF_CLASS = 24, 6
_SIDE = 128
#: Texts of a group, and the letters of each that are shown.
_MOST_TEXTS, _LONGEST = 12, 200


def study_examples(outcome: StudyOutcome) -> list[ExampleGroup]:
    """Groups of files, texts or sentences won, lost and still wrong against doing nothing; none of other tables."""
    facts = outcome.facts
    if facts.lengths is not None:
        return token_examples(outcome)
    texts = facts.texts is not None
    if not texts and (facts.media is None or facts.ids is None or not Path(facts.path).is_dir()):
        return []
    codes = outcome.scored.codes
    best = outcome.best.predictions.predicted[0]
    plain = outcome.arms[outcome.scores.baseline].predictions.predicted[0]
    wrong, before = _wrong_labels(best, codes), _wrong_labels(plain, codes)
    kinds = {"won": wrong < before, "lost": wrong > before, "wrong": (wrong == before) & (wrong > 0)}
    make = _text_example if texts else _example
    groups = []
    for kind, mask in kinds.items():
        rows = np.flatnonzero(mask)
        if len(rows):
            shown = [
                make(outcome, row, best[row], plain[row])
                for row in _chosen(rows, outcome, _MOST_TEXTS if texts else _MOST)
            ]
            groups.append(ExampleGroup(kind, len(rows), shown, "text" if texts else "file", codes.ndim == 2))
    return groups


def _wrong_labels(predicted: NDArray[np.int64], codes: NDArray[Any]) -> NDArray[np.int64]:
    """How many labels of each row are wrong; what is not known is not."""
    other = (predicted != codes) & ~np.isnan(codes)
    count: NDArray[np.int64] = other.reshape(len(codes), -1).sum(axis=1)
    return count


def _chosen(rows: NDArray[np.int64], outcome: StudyOutcome, most: int) -> list[int]:
    """Rows of the rarest classes first, a few of each; where a row has several, its rarest one tells."""
    counts = outcome.class_counts
    codes = outcome.scored.codes[rows]
    if codes.ndim == 2:
        has = np.where(codes == 1, counts, np.iinfo(np.int64).max)
        # A row without a label comes after all that have one.
        codes = np.where((codes == 1).any(axis=1), has.argmin(axis=1), len(counts))
        counts = np.append(counts, len(outcome.data.codes) + 1)
    seen: Counter[int] = Counter()
    chosen: list[int] = []
    for place in np.lexsort((rows, codes, counts[codes])).tolist():
        code = int(codes[place])
        seen[code] += 1
        if seen[code] <= _MOST_OF_CLASS and len(chosen) < most:
            chosen.append(int(rows[place]))
    return chosen


def _text_example(outcome: StudyOutcome, row: int, predicted: Any, baseline: Any) -> Example:
    facts, place = outcome.facts, int(outcome.scored.rows[row])
    assert facts.texts is not None
    number = place if facts.row_numbers is None else int(facts.row_numbers[place])
    names = [str(name) for name in outcome.data.classes]

    def named(code: Any) -> str:
        if np.ndim(code) == 0:
            return names[int(code)]
        return ", ".join(name for name, held in zip(names, code, strict=True) if held == 1) or "no label"

    text = clean((facts.texts[place] or "")[: 4 * _LONGEST])
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    label = named(outcome.scored.codes[row])
    return Example(f"row {number + 1}", label, named(predicted), named(baseline), text=text or "(empty)")


def _example(outcome: StudyOutcome, row: int, predicted: Any, baseline: Any) -> Example:
    assert outcome.facts.ids is not None
    names = [str(name) for name in outcome.data.classes]
    name = outcome.facts.ids[int(outcome.scored.rows[row])]
    path = Path(outcome.facts.path) / name
    label = names[int(outcome.scored.codes[row])]
    picture, text = b"", ""
    try:
        if kind_of(path) == TEXT:
            text = " ".join(decode_text(path.read_bytes()).split())[:160]
        else:
            picture = thumbnail(path)
    except (SteelyardError, OSError):
        # It was there when it was described; the report does without.
        pass
    return Example(name, label, names[predicted], names[baseline], picture, text)


def thumbnail(path: Path, side: int = _SIDE) -> bytes:
    """JPEG of an image, or of the middle of a video, that fits into a square.

    Raises
    ------
    DataError
        When it cannot be read.
    """
    if kind_of(path) == VIDEO:
        frames, _ = sample_frames(path, 5)
        image = frames[len(frames) // 2]
    else:
        assert kind_of(path) == IMAGE
        image = open_image(path.read_bytes())
    image.thumbnail((side, side))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=70, optimize=True)
    return out.getvalue()

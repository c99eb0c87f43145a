"""Files of a collection that the best arm got right or wrong, for the report."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import SteelyardError
from steelyard.features.media import kind_of
from steelyard.features.media.image import open_image
from steelyard.features.media.kinds import IMAGE, TEXT, VIDEO
from steelyard.features.media.text import decode_text
from steelyard.features.media.video import sample_frames
from steelyard.report.thumbnails import Example, ExampleGroup
from steelyard.study import StudyOutcome

#: Pictures of a group, and of one class in it: the report stays far below a megabyte.
_MOST, _MOST_OF_CLASS = 24, 6
_SIDE = 128


def study_examples(outcome: StudyOutcome) -> list[ExampleGroup]:
    """Groups of files won, lost and still wrong against doing nothing; none where the study was of a table."""
    facts = outcome.facts
    if facts.media is None or facts.ids is None or not Path(facts.path).is_dir():
        return []
    codes = outcome.scored.codes
    best = outcome.best.predictions.predicted[0]
    plain = outcome.arms[outcome.scores.baseline].predictions.predicted[0]
    right, was_right = best == codes, plain == codes
    kinds = {"won": right & ~was_right, "lost": ~right & was_right, "wrong": ~right & ~was_right}
    groups = []
    for kind, mask in kinds.items():
        rows = np.flatnonzero(mask)
        if len(rows):
            shown = [_example(outcome, int(row), int(best[row]), int(plain[row])) for row in _chosen(rows, outcome)]
            groups.append(ExampleGroup(kind, len(rows), shown))
    return groups


def _chosen(rows: NDArray[np.int64], outcome: StudyOutcome) -> list[int]:
    """Rows of the rarest classes first, a few of each."""
    codes = outcome.scored.codes
    counts = outcome.class_counts
    seen: Counter[int] = Counter()
    chosen: list[int] = []
    for row in sorted(rows.tolist(), key=lambda row: (counts[codes[row]], codes[row], row)):
        seen[int(codes[row])] += 1
        if seen[int(codes[row])] <= _MOST_OF_CLASS and len(chosen) < _MOST:
            chosen.append(row)
    return chosen


def _example(outcome: StudyOutcome, row: int, predicted: int, baseline: int) -> Example:
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

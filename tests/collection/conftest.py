from __future__ import annotations

import pytest


@pytest.fixture
def unsorted(tmp_path):
    """Six files in a folder, two of them with one name."""
    folder = tmp_path / "unsorted"
    for name, content in {
        "a.jpg": b"one",
        "b.jpg": b"two",
        "c.jpg": b"three",
        "deep/a.jpg": b"four",
        "deep/er/Ü β.jpg": b"five",
        "d": b"six",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder

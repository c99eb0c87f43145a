from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from collection_files import sort, tree

from steelyard.collection import undo_last
from steelyard.errors import DataError


@pytest.mark.parametrize("move", [False, True])
def test_undo_brings_back_what_was(unsorted, tmp_path, move):
    into = tmp_path / "into"
    (into / "soccer").mkdir(parents=True)
    (into / "soccer/mine.jpg").write_bytes(b"mine")
    before = tree(unsorted)
    sort(unsorted, into, move=move)
    undone = undo_last(into)
    assert (undone.removed, undone.returned, undone.left) == ((0, 6, ()) if move else (6, 0, ()))
    assert tree(unsorted) == before
    assert tree(into) == {"soccer/mine.jpg": b"mine"}
    assert not (into / "funny").exists()
    with pytest.raises(DataError, match="no sort to undo"):
        undo_last(into)


def test_undo_takes_runs_back_one_by_one(unsorted, tmp_path):
    into = tmp_path / "into"
    sort(unsorted, into)
    (unsorted / "e.jpg").write_bytes(b"seven")
    sort(unsorted, into)
    assert undo_last(into).removed == 1
    assert "funny/c.jpg" in tree(into)
    assert undo_last(into).removed == 6
    assert tree(into) == {}


def test_a_copy_whose_original_is_gone_goes_back_instead_of_being_lost(unsorted, tmp_path):
    before = tree(unsorted)
    sort(unsorted, tmp_path / "into")
    (unsorted / "b.jpg").unlink()
    undone = undo_last(tmp_path / "into")
    assert (undone.removed, undone.returned) == (5, 1)
    assert tree(unsorted) == before


def test_what_was_changed_since_is_left_and_named(unsorted, tmp_path):
    into = tmp_path / "into"
    sort(unsorted, into)
    (into / "soccer/b.jpg").write_bytes(b"edited")
    undone = undo_last(into)
    assert undone.left == (("soccer/b.jpg", "it was changed since"),)
    assert tree(into) == {"soccer/b.jpg": b"edited"}


def test_a_moved_file_does_not_go_back_over_another(unsorted, tmp_path):
    into = tmp_path / "into"
    sort(unsorted, into, move=True)
    (unsorted / "b.jpg").write_bytes(b"new")
    undone = undo_last(into)
    assert [name for name, _ in undone.left] == ["soccer/b.jpg"]
    assert (unsorted / "b.jpg").read_bytes() == b"new"
    assert tree(into) == {"soccer/b.jpg": b"two"}


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/passwd", "soccer/../../outside.txt"])
def test_a_journal_that_was_changed_leads_nowhere_else(unsorted, tmp_path, name):
    into = tmp_path / "into"
    sort(unsorted, into)
    (tmp_path / "outside.txt").write_bytes(b"mine")
    journal = into / ".steelyard-sort/sort-000001.jsonl"
    line = {"do": "copy", "from": str(unsorted / "a.jpg"), "to": name, "sha256": "00"}
    with journal.open("a") as file:
        file.write(json.dumps(line) + "\n")
    with pytest.raises(DataError, match="it was changed"):
        undo_last(into)
    assert (tmp_path / "outside.txt").read_bytes() == b"mine"


SORTER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from collection_files import placements
from steelyard.collection import carry_out, locked, place_files
folder, into = Path(sys.argv[1]), Path(sys.argv[2])
with locked(into):
    placed = place_files(placements(folder, to=lambda path: path.name[0]), into)
    print("ready", flush=True)
    carry_out(placed, folder, into, move=sys.argv[3] == "move")
"""


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_killed_at_any_moment_every_file_is_in_one_place(tmp_path, mode):
    folder, into = tmp_path / "unsorted", tmp_path / "into"
    folder.mkdir()
    into.mkdir()
    rng = random.Random(0)
    files = {f"{number % 4}-{number}.bin": rng.randbytes(2000) for number in range(200)}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    command = [sys.executable, "-c", SORTER, str(folder), str(into), mode, os.path.dirname(__file__)]  # noqa: PTH120
    killed = 0
    for attempt in range(4):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"ready\n"
            # From the first file to the last, wherever this machine happens to be.
            time.sleep(0.004 * 3**attempt * rng.random())
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += process.returncode == -signal.SIGKILL
        here, there = tree(folder), tree(into)
        assert all(content == files[name.split("/")[-1]] for name, content in {**here, **there}.items())
        places = Counter(name.split("/")[-1] for name in [*(here if mode == "move" else ()), *there])
        assert set(places.values()) <= {1}
        assert set(places) | set(here) == set(files)
    assert killed >= 2
    subprocess.run(command, check=True, capture_output=True)
    assert {name.split("/")[-1]: content for name, content in tree(into).items()} == files
    assert len(tree(into)) == len(files)
    while tree(into):
        undo_last(into)
    assert tree(folder) == files

"""What a sort does to files: never over another, nothing lost, everything named that could not be done."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys

import pytest
from collection_files import placements, sort, tree

from steelyard.collection import carry, carry_out, locked, place_files, transfer
from steelyard.collection.plan import Placement
from steelyard.errors import DataError

COPIED = {
    "soccer/a.jpg": b"one",
    "soccer/b.jpg": b"two",
    "soccer/a (2).jpg": b"four",
    "funny/c.jpg": b"three",
    "funny/d": b"six",
    "funny/Ü β.jpg": b"five",
}


def test_copies_leave_the_originals_and_number_equal_names(unsorted, tmp_path):
    before = tree(unsorted)
    done = sort(unsorted, tmp_path / "into")
    assert {placement.outcome for placement in done.placements} == {"done"}
    assert tree(tmp_path / "into") == COPIED
    assert tree(unsorted) == before


def test_copies_keep_their_times(unsorted, tmp_path):
    os.utime(unsorted / "a.jpg", (1e9, 1e9))
    sort(unsorted, tmp_path / "into")
    assert (tmp_path / "into/soccer/a.jpg").stat().st_mtime == 1e9


def test_moves_leave_nothing_behind(unsorted, tmp_path):
    sort(unsorted, tmp_path / "into", move=True)
    assert tree(tmp_path / "into") == COPIED
    assert tree(unsorted) == {}


def test_sorting_again_does_nothing(unsorted, tmp_path):
    sort(unsorted, tmp_path / "into")
    again = sort(unsorted, tmp_path / "into")
    assert {placement.outcome for placement in again.placements} == {"already there"}
    assert tree(tmp_path / "into") == COPIED
    assert len(list((tmp_path / "into/.steelyard-sort").iterdir())) == 1


@pytest.mark.parametrize("move", [False, True])
def test_a_file_of_that_name_is_never_overwritten(unsorted, tmp_path, move):
    there = tmp_path / "into/soccer/A.JPG"
    there.parent.mkdir(parents=True)
    there.write_bytes(b"mine")
    sort(unsorted, tmp_path / "into", move=move)
    found = tree(tmp_path / "into")
    assert found.pop("soccer/A.JPG") == b"mine"
    numbered = {"soccer/a (2).jpg": b"one", "soccer/a (3).jpg": b"four"}
    assert found == {name: content for name, content in COPIED.items() if "a" not in name.split("/")[1]} | numbered


@pytest.mark.parametrize("move", [False, True])
def test_a_file_that_appears_meanwhile_is_not_overwritten(unsorted, tmp_path, move):
    into = tmp_path / "into"
    placed = place_files(placements(unsorted), into)
    (into / "soccer").mkdir(parents=True)
    (into / "soccer/b.jpg").write_bytes(b"mine")
    done = carry_out(placed, unsorted, into, move=move)
    outcomes = {placement.source.name: placement.outcome for placement in done.placements}
    assert outcomes["b.jpg"] == os.strerror(errno.EEXIST)
    assert (into / "soccer/b.jpg").read_bytes() == b"mine"
    assert (unsorted / "b.jpg").read_bytes() == b"two"


def test_a_file_that_changed_since_it_was_looked_at_is_left(unsorted, tmp_path):
    placed = place_files(placements(unsorted), tmp_path / "into")
    (unsorted / "c.jpg").write_bytes(b"THREE")
    done = carry_out(placed, unsorted, tmp_path / "into", move=False)
    outcomes = {placement.source.name: placement.outcome for placement in done.placements}
    assert outcomes["c.jpg"] == "changed while it was sorted"
    assert "funny/c.jpg" not in tree(tmp_path / "into")


@pytest.mark.parametrize("move", [False, True])
def test_a_class_folder_that_is_a_link_is_not_followed(unsorted, tmp_path, move):
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "into").mkdir()
    (tmp_path / "into/soccer").symlink_to(outside)
    before = tree(unsorted)
    done = sort(unsorted, tmp_path / "into", move=move)
    assert list(outside.iterdir()) == []
    failed = {placement.source.name for placement in done.placements if "is a link" in placement.outcome}
    assert failed == {"a.jpg", "b.jpg"}
    assert {"a.jpg", "b.jpg", "deep/a.jpg"} <= set(tree(unsorted))
    assert {*tree(unsorted).values(), *tree(tmp_path / "into").values()} == set(before.values())


@pytest.mark.parametrize("move", [False, True])
def test_a_source_that_became_a_link_is_not_followed(unsorted, tmp_path, move):
    placed = place_files(placements(unsorted), tmp_path / "into")
    secret = tmp_path / "secret"
    secret.write_bytes(b"two")
    (unsorted / "b.jpg").unlink()
    (unsorted / "b.jpg").symlink_to(secret)
    done = carry_out(placed, unsorted, tmp_path / "into", move=move)
    assert "soccer/b.jpg" not in tree(tmp_path / "into")
    assert (unsorted / "b.jpg").is_symlink()
    assert [placement.outcome != "done" for placement in done.placements if placement.source.name == "b.jpg"] == [True]


@pytest.mark.parametrize("move", [False, True])
def test_a_full_disk_stops_the_sort_and_the_same_one_goes_on(unsorted, tmp_path, monkeypatch, move):
    rename, calls = transfer.rename_to_free, []

    def full(source, target):
        calls.append(target)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rename(source, target)

    into, before = tmp_path / "into", tree(unsorted)
    with monkeypatch.context() as patch:
        patch.setattr(transfer, "rename_to_free", full)
        done = sort(unsorted, into, move=move)
    assert done.full
    assert [placement.outcome for placement in done.placements] == ["done"] * 2 + ["the disk is full"] * 4
    assert len(tree(into)) == 2
    assert len(calls) == 3
    assert {*tree(unsorted).values(), *tree(into).values()} == set(before.values())
    assert list((into / ".steelyard-sort").glob("*.partial")) == []
    sort(unsorted, into, move=move)
    assert tree(into) == COPIED


def test_a_limit_of_the_system_on_file_sizes_leaves_no_half_file(tmp_path):
    # A real failure in the middle of a write, as a full disk or a quota gives it.
    program = (
        "import resource, signal, sys, hashlib; from pathlib import Path\n"
        "from steelyard.collection.transfer import copy_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "root = Path(sys.argv[1])\n"
        "try: copy_file(root / 'big', root / 'copy', root / 'waiting')\n"
        "except OSError as error: print(error.strerror)\n"
    )
    (tmp_path / "big").write_bytes(b"x" * 3_000_000)
    found = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == os.strerror(errno.EFBIG)
    assert [path.name for path in tmp_path.iterdir()] == ["big"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 100_000


def test_moves_between_disks_copy_first(unsorted, tmp_path, monkeypatch):
    rename = transfer.rename_to_free

    def other_disk(source, target):
        if source.suffix != ".partial":
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(source, target)

    monkeypatch.setattr(transfer, "rename_to_free", other_disk)
    sort(unsorted, tmp_path / "into", move=True)
    assert tree(tmp_path / "into") == COPIED
    assert tree(unsorted) == {}


def test_without_help_of_the_system_nothing_is_overwritten_either(unsorted, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "_system_rename", lambda: None)
    sort(unsorted, tmp_path / "into", move=True)
    assert tree(tmp_path / "into") == COPIED
    with pytest.raises(FileExistsError):
        transfer.rename_to_free(tmp_path / "into/soccer/b.jpg", tmp_path / "into/funny/c.jpg")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_files_without_permission_are_named_and_the_rest_is_sorted(unsorted, tmp_path):
    placed = place_files(placements(unsorted), tmp_path / "into")
    (unsorted / "a.jpg").chmod(0)
    done = carry_out(placed, unsorted, tmp_path / "into", move=False)
    assert [placement.outcome for placement in done.placements if placement.outcome != "done"] == ["Permission denied"]


def test_an_error_of_one_file_costs_that_file_alone(unsorted, tmp_path, monkeypatch):
    copy = carry.copy_file

    def forbidden(source, *rest, **options):
        if source.name == "c.jpg":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(source))
        copy(source, *rest, **options)

    monkeypatch.setattr(carry, "copy_file", forbidden)
    done = sort(unsorted, tmp_path / "into")
    outcomes = {placement.source.name: placement.outcome for placement in done.placements}
    assert outcomes.pop("c.jpg") == "Permission denied"
    assert set(outcomes.values()) == {"done"}


def test_one_sort_at_a_time_even_of_another_process(tmp_path):
    program = (
        "import sys; from pathlib import Path; from steelyard.collection import locked\n"
        "with locked(Path(sys.argv[1])): pass"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with locked(tmp_path):
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "another sort is at work" in found.stderr
    with locked(tmp_path):
        pass


def test_a_damaged_journal_is_named_and_nothing_is_done(unsorted, tmp_path):
    into = tmp_path / "into"
    sort(unsorted, into)
    journal = into / ".steelyard-sort/sort-000001.jsonl"
    journal.write_bytes(b"nonsense\n" + journal.read_bytes())
    (unsorted / "new.jpg").write_bytes(b"new")
    with pytest.raises(DataError, match=r"sort-000001.jsonl, line 1: not a line"):
        sort(unsorted, into)


def test_a_placement_that_is_no_file_any_more_fails_alone(unsorted, tmp_path):
    gone = Placement(unsorted / "gone.jpg", "soccer", "soccer", 0.5, b"", "gone.jpg")
    placed = place_files(placements(unsorted), tmp_path / "into")
    done = carry_out([gone, *placed], unsorted, tmp_path / "into", move=True)
    assert done.placements[0].outcome == os.strerror(errno.ENOENT)
    assert tree(tmp_path / "into") == COPIED

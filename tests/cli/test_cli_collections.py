"""Folders from the command line: study, predict, sort and undo, on pictures, clips and texts made on the spot."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import polars as pl
import pytest

import steelyard as sy
from steelyard.cli.main import main

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "media"))
from media_files import clip, disc, image_collection, save, stripes

QUICK = ("--models", "linear(C=0.1)", "--strategies", "inverse", "--folds", "3", "--jobs", "1")
SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STEELYARD_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """A collection with one bad file and one copy."""
    root = image_collection(tmp_path_factory.mktemp("collection") / "data")
    (root / "disc/cut.png").write_bytes((root / "disc/00.png").read_bytes()[:150])
    shutil.copy(root / "disc/01.png", root / "disc/copy.png")
    return root


@pytest.fixture(scope="module")
def model(collection, tmp_path_factory):
    out = tmp_path_factory.mktemp("model") / "model"
    os.environ["STEELYARD_CACHE"] = str(out.parent / "cache")
    options = ("--strategy", "inverse", "--model", "linear(C=0.1)", "--folds", "3", "--jobs", "1")
    assert main(["train", str(collection), *options, "--out", str(out)]) == 0
    return out


@pytest.fixture
def unsorted(tmp_path):
    folder = tmp_path / "unsorted"
    for number in range(100, 105):
        save(disc(number), folder / "new" / f"d{number}.png")
        save(stripes(number), folder / f"s{number}.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "table.xlsx").write_bytes(b"left alone")
    return folder


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def visible(folder):
    return [name for name in names(folder) if not name.startswith(".steelyard-sort/")]


def test_a_study_of_a_folder_is_a_study_of_a_table(steelyard, collection, tmp_path, real_report):
    out = tmp_path / "out"
    found = steelyard("study", collection, *QUICK, "--out", out)
    assert found.code == 0, found.err
    record = json.loads((out / "study.json").read_text())
    assert record["data"]["rows"] == 21
    assert {entry["name"]: entry["count"] for entry in record["data"]["classes"]} == {"disc": 15, "stripes": 6}
    said = " ".join(record["data"]["warnings"])
    assert "1 file cannot be read and is left out (disc/cut.png: " in said
    assert "1 file repeats the content of another" in said
    rows = pl.read_parquet(out / "predictions.parquet")
    folds = dict(rows.select("id", "fold").iter_rows())
    assert folds["disc/01.png"] == folds["disc/copy.png"]
    assert max(arm["score"] for arm in record["arms"]) > 0.9
    assert (out / "report.html").stat().st_size < 1_000_000
    again = steelyard("study", collection, *QUICK, "--out", out, "--resume")
    assert "already finished" in again.err


def test_the_report_shows_what_was_won_and_lost(collection, tmp_path):
    from steelyard.api.collections import read_collection
    from steelyard.api.examples import study_examples
    from steelyard.api.prepare import FoldOptions, prepare
    from steelyard.api.study import plan_maker, study_prepared
    from steelyard.study import check_arms

    root = tmp_path / "mixed"
    shutil.copytree(collection, root)
    # Stripes among the discs: no model can have them right.
    for number in range(3):
        save(stripes(200 + number), root / "disc" / f"wrong{number}.png")
    data, facts = prepare(read_collection(root), FoldOptions(3))
    plan = check_arms(plan_maker("linear(C=0.1)", "inverse", "macro_f1")(2), data)
    result = study_prepared(plan, data, facts)
    groups = {group.kind: group for group in study_examples(result._outcome)}
    rows = result.predictions.filter(pl.col("arm").is_in([result.winner.id, result.record["baseline"]]))
    rows = rows.filter(pl.col("label") != pl.col("prediction"))
    wrong = {arm: set(rows.filter(pl.col("arm") == arm)["id"]) for arm in (result.winner.id, result.record["baseline"])}
    now, before = wrong[result.winner.id], wrong[result.record["baseline"]]
    expected = {"won": before - now, "lost": now - before, "wrong": now & before}
    assert any(expected.values())
    for kind, files in expected.items():
        assert (kind in groups) == bool(files)
        if files:
            assert groups[kind].total == len(files)
            assert {example.name for example in groups[kind].shown} <= files
            assert all(example.picture[:2] == b"\xff\xd8" for example in groups[kind].shown)
            assert all(len(example.picture) < 8000 for example in groups[kind].shown)


def test_a_model_of_a_folder_predicts_files(steelyard, model, unsorted):
    found = steelyard("predict", model, unsorted, "--json")
    assert found.code == 0, found.err
    rows = {row["file"]: row["prediction"] for row in json.loads(found.out)}
    assert rows == {
        **{f"new/d{number}.png": "disc" for number in range(100, 105)},
        **{f"s{number}.png": "stripes" for number in range(100, 105)},
    }
    assert "broken.jpg cannot be read and is left out" in found.err
    one = steelyard("predict", model, unsorted / "s100.png", "--json")
    assert json.loads(one.out) == [{"row": 0, "file": "s100.png", "prediction": "stripes"}]
    assert steelyard("predict", model, unsorted / "none.png").code == 2
    assert steelyard("predict", model, unsorted / "broken.jpg").code == 1


def test_sort_copies_and_undo_takes_it_back(steelyard, model, unsorted, tmp_path):
    into, before = tmp_path / "into", names(unsorted)
    found = steelyard("sort", model, unsorted, "--into", into, "--jobs", "1")
    assert found.code == 0, found.err
    assert found.out.splitlines()[-1] == f"10 files copied into {into}; 1 cannot be read"
    expected = [f"disc/d{n}.png" for n in range(100, 105)] + [f"stripes/s{n}.png" for n in range(100, 105)]
    assert visible(into) == expected
    assert names(unsorted) == before
    again = steelyard("sort", model, unsorted, "--into", into, "--json")
    assert {file["outcome"] for file in json.loads(again.out)["files"]} == {"already there"}
    undone = steelyard("sort", model, unsorted, "--into", into, "--undo")
    assert undone.out == "10 copies removed, 0 files returned, 0 left\n"
    assert visible(into) == []


def test_sort_into_the_folder_itself_moves_each_file_once(steelyard, model, unsorted):
    before = names(unsorted)
    for expected in ("10 files moved", "0 files moved"):
        found = steelyard("sort", model, unsorted, "--move")
        assert found.code == 0, found.err
        assert expected in found.out
        assert "disc/d100.png" in names(unsorted)
    assert visible(unsorted)[0] == "broken.jpg"
    assert "table.xlsx" in names(unsorted)
    steelyard("sort", model, unsorted, "--undo")
    assert visible(unsorted) == before


def test_a_dry_run_touches_nothing_and_says_the_same(steelyard, model, unsorted, tmp_path):
    into = tmp_path / "into"
    planned = steelyard("sort", model, unsorted, "--into", into, "--dry-run", "--json")
    assert not into.exists()
    done = steelyard("sort", model, unsorted, "--into", into, "--json")
    first, second = json.loads(planned.out), json.loads(done.out)
    assert [file["to"] for file in first["files"]] == [file["to"] for file in second["files"]]
    assert first["folders"] == second["folders"]
    assert {file["outcome"] for file in first["files"]} == {"planned"}


def test_doubtful_files_are_set_apart_by_the_probability_of_their_label(steelyard, model, unsorted, tmp_path):
    trained = sy.load(model)
    found = json.loads(steelyard("sort", model, unsorted, "--dry-run", "--json").out)
    sure = sorted(file["confidence"] for file in found["files"])
    limit = (sure[4] + sure[5]) / 2
    record = json.loads(
        steelyard("sort", model, unsorted, "--into", tmp_path / "x", "--min-confidence", limit, "--json").out
    )
    unsure = {file["file"] for file in record["files"] if "/_unsure/" in file["to"]}
    assert unsure == {file["file"] for file in record["files"] if file["confidence"] < limit}
    assert len(unsure) == 5
    assert record["folders"][-1]["folder"] == "_unsure"
    assert trained.media is not None


@pytest.mark.parametrize("limit", ["-0.1", "1.5", "nan"])
def test_a_confidence_is_a_probability(steelyard, model, unsorted, limit):
    found = steelyard("sort", model, unsorted, "--min-confidence", limit)
    assert (found.code, "--min-confidence must be from 0 to 1" in found.failure) == (2, True)


def test_links_are_not_sorted_and_not_followed(steelyard, model, unsorted, tmp_path):
    secret = save(disc(300), tmp_path / "secret/private.png")
    (unsorted / "link.png").symlink_to(secret)
    (unsorted / "folder").symlink_to(secret.parent)
    (unsorted / "loop").symlink_to(unsorted)
    found = steelyard("sort", model, unsorted, "--move", "--into", tmp_path / "into")
    assert found.code == 0
    assert secret.exists()
    assert not any("private" in name or "link" in name for name in names(tmp_path / "into"))


def test_a_second_sort_at_once_is_refused(steelyard, model, unsorted, tmp_path):
    from steelyard.collection import locked

    into = tmp_path / "into"
    into.mkdir()
    for held, options in ((into, ()), (unsorted, ("--move",))):
        with locked(held):
            found = steelyard("sort", model, unsorted, "--into", into, *options)
        assert (found.code, found.failure) == (
            1,
            f"another sort is at work in {held.resolve()}: wait until it has ended",
        )
        assert visible(into) == []


def test_a_failure_of_a_file_is_named_and_gives_exit_code_one(steelyard, model, unsorted, tmp_path):
    into = tmp_path / "into"
    into.mkdir()
    (into / "disc").write_bytes(b"a file where a folder should be")
    found = steelyard("sort", model, unsorted, "--into", into)
    assert found.code == 1
    assert "5 could not be sorted" in found.out
    assert len(visible(into)) == 6


def test_a_model_of_a_table_sorts_nothing(steelyard, finished, unsorted):
    found = steelyard("sort", finished / "study", unsorted)
    assert (found.code, "trained on a table" in found.failure) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("sort", "MODEL", "nowhere"), 2, "there is no folder"),
        (("sort", "MODEL", "DATA", "--undo", "--move"), 2, "leave out --move"),
        (("sort", "MODEL", "DATA", "--undo"), 1, "no sort to undo"),
        (("study", "DATA", "--target", "x"), 2, "--target names a column of a table"),
        (("study", "DATA", "--encoder", "no/such-model"), 2, "hf download no/such-model"),
        (("study", "EMPTY"), 1, "no sub-folders"),
        (("study", "ONE"), 1, "one class only"),
        (("study", "BAD"), 1, "none of 2 files can be read"),
    ],
)
def test_wrong_uses_are_one_line(steelyard, model, unsorted, tmp_path, arguments, code, words):
    (tmp_path / "empty").mkdir()
    image_collection(tmp_path / "one", 3, 0)
    for name in ("a", "b"):
        (tmp_path / "bad" / name).mkdir(parents=True)
        (tmp_path / "bad" / name / "x.png").write_bytes(b"no")
    places = {
        "MODEL": model,
        "DATA": unsorted,
        "EMPTY": tmp_path / "empty",
        "ONE": tmp_path / "one",
        "BAD": tmp_path / "bad",
    }
    given = [places.get(argument, argument) for argument in arguments]
    out = ("--out", tmp_path / "out", "--jobs", "1") if arguments[0] == "study" else ()
    found = steelyard(*given, *out)
    assert (found.code, words in found.failure) == (code, True), found.failure
    assert not (tmp_path / "out").exists()


def test_a_class_of_one_file_is_trained_on_and_never_scored(steelyard, tmp_path):
    root = image_collection(tmp_path / "data", 9, 5)
    save(disc(60).rotate(45), root / "single" / "a.png")
    (root / "nothing").mkdir()
    assert steelyard("study", root, *QUICK, "--out", tmp_path / "out").code == 0
    record = json.loads((tmp_path / "out/study.json").read_text())
    assert record["data"]["scored_classes"] == ["disc", "stripes"]
    said = " ".join(record["data"]["warnings"])
    assert "never scored, because they have one row: single" in said
    assert "no classes: nothing" in said


def test_videos_of_two_kinds_are_told_apart_and_sorted(steelyard, tmp_path):
    root = tmp_path / "films"
    for number in range(8):
        clip(root / "soccer" / f"{number}.mp4", [disc(10 * number + step // 3, 64) for step in range(12)])
    for number in range(4):
        clip(root / "funny" / f"{number}.avi", [stripes(10 * number + step // 6, 64) for step in range(12)])
    out = tmp_path / "out"
    assert steelyard("study", root, *QUICK, "--out", out, "--metric", "balanced_accuracy").code == 0
    record = json.loads((out / "study.json").read_text())
    assert max(arm["score"] for arm in record["arms"]) > 0.8
    clip(tmp_path / "new" / "x.mp4", [stripes(500, 64)] * 12)
    found = json.loads(steelyard("sort", out, tmp_path / "new", "--json").out)
    assert [file["label"] for file in found["files"]] == ["funny"]
    assert (tmp_path / "new/funny/x.mp4").is_file()


def test_mixed_media_and_texts_in_any_script(steelyard, tmp_path):
    root = image_collection(tmp_path / "mixed", 6, 4)
    for number in range(6):
        (root / "disc" / f"{number}.txt").write_text(f"a round bright disc, number {number}", encoding="utf-8")
        (root / "stripes" / f"{number}.txt").write_text(f"полосы и линии {number}", encoding="utf-8")
    out = tmp_path / "out"
    found = steelyard("study", root, *QUICK[:4], "--folds", "2", "--jobs", "1", "--out", out)
    assert found.code == 0, found.err
    (tmp_path / "new").mkdir()
    shutil.copy(root / "stripes/3.txt", tmp_path / "new/что.txt")
    steelyard("sort", out, tmp_path / "new")
    assert (tmp_path / "new/stripes/что.txt").is_file()


def test_labels_that_are_no_safe_names_stay_inside(steelyard, model, unsorted, tmp_path):
    from dataclasses import replace

    from steelyard.api.sorting import SortOptions, sort_files

    hostile = replace(sy.load(model), classes=("../../out", "aux"))
    sort_files(hostile, unsorted, tmp_path / "into", SortOptions())
    assert {path.name for path in (tmp_path / "into").iterdir()} == {"_.._.._out", "_aux", ".steelyard-sort"}


def test_rows_are_set_apart_and_a_test_folder_is_described_alike(steelyard, collection, tmp_path):
    out = tmp_path / "out"
    test = image_collection(tmp_path / "test", 3, 3)
    found = steelyard("study", collection, *QUICK, "--out", out, "--holdout", "balanced:2", "--test", test)
    assert found.code == 0, found.err
    record = json.loads((out / "study.json").read_text())
    assert record["holdout"]["rows"] == 4
    assert record["test"]["rows"] == 6
    assert record["test"]["seen_rows"] >= 1


def test_the_real_long_tailed_photos_are_sorted_as_they_are_predicted(steelyard, tmp_path):
    photos = SHARED / "image/trashnet_lt"
    if not photos.is_dir():
        pytest.skip("no shared data")
    few = tmp_path / "few"
    for folder in sorted(photos.iterdir()):
        for path in sorted(folder.glob("*.jpg"))[:12]:
            save_to = few / folder.name / path.name
            save_to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, save_to)
    options = ("--model", "linear", "--strategy", "sqrt", "--out", tmp_path / "m", "--jobs", "1")
    assert steelyard("train", few, *options).code == 0
    unseen = tmp_path / "unseen"
    unseen.mkdir()
    for path in sorted((photos / "paper").glob("*.jpg"))[12:20]:
        shutil.copy(path, unseen)
    predicted = {
        row["file"]: row["prediction"] for row in json.loads(steelyard("predict", tmp_path / "m", unseen, "--json").out)
    }
    steelyard("sort", tmp_path / "m", unseen, "--into", tmp_path / "into")
    assert {path.name: path.parent.name for path in (tmp_path / "into").rglob("*.jpg")} == predicted

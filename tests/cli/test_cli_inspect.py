from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest
from cli_tables import write_csv

from steelyard.cli.inspect_text import Paper, inspection_text, padded
from steelyard.inspection import inspect_data
from steelyard.report import words

NASTY = ["漢字と仮名", "<script>alert(1)</script>", "a\x1b[31mred", "x" * 90, "007", "NA"]


@pytest.fixture
def nasty(tmp_path):
    lines = [
        [str(n % 7), name] for n, name in enumerate(name for k, name in enumerate(NASTY) for _ in range(9 * k + 1))
    ]
    return write_csv(tmp_path / "nasty.csv", ["x", "kind"], lines)


def test_json_holds_all_of_it(steelyard, table) -> None:
    found = json.loads(steelyard("inspect", table, "--target", "diagnosis", "--json").out)
    assert [(item["name"], item["count"]) for item in found["classes"]] == [("common", 60), ("rare", 20), ("scarce", 8)]
    assert found["imbalance_ratio"] == 7.5
    assert {item["scheme"] for item in found["weights"]} >= {"inverse", "sqrt", "log"}
    assert set(found["weights"][0]["weights"]) == {"common", "rare", "scarce"}


def test_without_a_target_it_says_which_columns_look_like_one(steelyard, table) -> None:
    outcome = steelyard("inspect", table)
    assert outcome.code == 0
    assert outcome.out.splitlines()[1].startswith("diagnosis")
    found = json.loads(steelyard("inspect", table, "--json").out)
    assert found["candidates"][0]["column"] == "diagnosis"


def test_a_folder_has_a_class_for_each_sub_folder(steelyard, tmp_path) -> None:
    for name, files in {"soccer": 82, "funny": 5, "empty": 0}.items():
        (tmp_path / "clips" / name).mkdir(parents=True)
        for number in range(files):
            (tmp_path / "clips" / name / f"{number}.mp4").touch()
    found = json.loads(steelyard("inspect", tmp_path / "clips", "--json").out)
    assert [(item["name"], item["count"]) for item in found["classes"]] == [("soccer", 82), ("funny", 5), ("empty", 0)]
    assert (found["imbalance_ratio"], found["absent"]) == (16.4, ["empty"])


def test_what_cannot_be_inspected_is_one_line(steelyard, table, tmp_path) -> None:
    assert steelyard("inspect", table, "--target", "diagnose").failure.startswith("unknown column 'diagnose'")
    assert steelyard("inspect", tmp_path / "no.csv").code == 2
    (tmp_path / "nothing").mkdir()
    assert "no sub-folders" in steelyard("inspect", tmp_path / "nothing").failure
    assert steelyard("inspect", table.parent, "--target", "x").code == 2


def test_in_a_file_our_own_signs_are_plain_and_names_are_as_they_are(steelyard, nasty) -> None:
    out = steelyard("inspect", nasty, "--target", "kind").out
    assert "\x1b" not in out
    assert set(out) - set("".join(NASTY)) <= {chr(code) for code in range(32, 127)} | {"\n", "\ufffd"}
    assert "漢字と仮名" in out


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("blocks", [False, True])
def test_the_picture_fits(width, blocks) -> None:
    sizes = [4000, 900, 60, 20, 3, 1]
    y = [name for name, size in zip(NASTY, sizes, strict=True) for _ in range(size)]
    text = inspection_text(inspect_data(y=y), Paper(width, colour=False, blocks=blocks))
    picture = text.split("\nscikit-learn")[0]
    assert max(words.columns(line) for line in picture.splitlines()) <= width
    assert "\x1b" not in text


def test_bars_are_in_proportion_and_never_vanish() -> None:
    paper = Paper(80, colour=False, blocks=True)
    assert paper.bar(0.5, 20) == "█" * 10 + " " * 10
    assert paper.bar(0.0001, 20).strip() == "▏"
    assert paper.bar(0.0, 20).strip() == ""
    assert Paper(80, colour=False, blocks=False).bar(0.25, 8) == "##      "


def test_many_classes_show_the_commonest_and_the_rarest() -> None:
    text = inspection_text(
        inspect_data(y={f"kind {number:03}": 1000 - number for number in range(200)}),
        Paper(100, colour=False, blocks=False),
    )
    assert "... 170 classes in between ..." in text
    assert "kind 000" in text
    assert "kind 199" in text
    assert "kind 100 " not in text


def test_padding_counts_wide_characters_twice() -> None:
    assert padded("漢字漢字", 5) == "漢字…"
    assert words.columns(padded("漢字", 9)) == 9


def on_a_terminal(arguments, environment):
    """What a command prints on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "steelyard", *map(str, arguments)],
        stdout=theirs,
        stdin=theirs,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "60"} | environment,
    )
    os.close(theirs)
    parts = []
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    process.wait()
    os.close(ours)
    assert process.returncode == 0
    return b"".join(parts).decode()


def test_a_terminal_gets_blocks_and_colour_unless_told_not_to(table) -> None:
    command = ("inspect", table, "--target", "diagnosis")
    plain = dict.fromkeys(("NO_COLOR",), "")
    shown = on_a_terminal(command, plain)
    assert "█" in shown
    assert "\x1b[" in shown
    without = on_a_terminal(command, {"NO_COLOR": "1"})
    assert "█" in without
    assert "\x1b" not in without

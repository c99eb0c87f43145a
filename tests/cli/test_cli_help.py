"""Help, completion, the page about the command line, and readers that go away."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from steelyard.cli.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "command-line.md"


def options(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)) - {"--help"}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_an_example_that_names_the_command(steelyard, name) -> None:
    out = steelyard(name, "--help").out
    assert f"Example: steelyard {name} " in " ".join(out.split())


def test_the_page_about_the_command_line_is_the_one_the_commands_make() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "command_line.py"))["page"]()
    assert PAGE.read_text("utf-8") == made, "run: python scripts/command_line.py"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_has_the_options_that_the_help_has(steelyard, name, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    section = PAGE.read_text("utf-8").split(f"\n## steelyard {name}\n")[1].split("\n## ")[0]
    rows = "\n".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))
    listed = re.findall(r"^│ *\*? +(--[a-z-]+)", steelyard(name, "--help").out, re.MULTILINE)
    assert options(rows) == set(listed)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_commands_and_options_and_can_be_read_by_the_shell(steelyard, shell, tmp_path) -> None:
    script = steelyard("completion", shell).out
    for word in (*COMMANDS, "target", "strategies"):
        assert word in script
    if program := shutil.which(shell):
        (tmp_path / "script").write_text(script, encoding="utf-8")
        subprocess.run([program, "-n", tmp_path / "script"], check=True)


def test_bash_completes_a_command() -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    code = (
        f"source <({sys.executable} -m steelyard completion bash); COMP_WORDS=(steelyard ins); COMP_CWORD=1; "
        "_steelyard; echo ${COMPREPLY[@]}"
    )
    found = subprocess.run([bash, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["inspect"]


def test_an_unknown_shell_lists_the_known_ones(steelyard) -> None:
    outcome = steelyard("completion", "tcsh")
    assert outcome.code == 2
    assert "known: bash, zsh, fish" in outcome.failure


@pytest.mark.parametrize("arguments", [["study", "--help"], ["--help"], ["completion", "bash"]])
def test_a_reader_that_stops_reading_is_no_failure(arguments) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "steelyard", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), error) == (0, b"")


def test_no_color_takes_the_colour_from_the_help() -> None:
    environment = os.environ | {"NO_COLOR": "1", "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "steelyard", "study", "--help"]
    out = subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", out)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_output_that_cannot_be_written_is_named_as_the_user_named_it(steelyard, finished, tmp_path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    target = folder / "predicted.csv"
    failure = steelyard("predict", finished / "study", finished / "patients.csv", "--output", target).failure
    assert failure == f"{target}: Permission denied"

from __future__ import annotations

import os

import pytest
from cli_tables import HEADER, QUICK, make_lines, write_csv

from steelyard.cli.main import main


class Outcome:
    """Exit code and streams of a command that was run."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def failure(self):
        """The one line of a failure; notes and progress may stand before it."""
        assert "Traceback" not in self.err
        lines = self.err.splitlines()
        assert [line for line in lines if not line.startswith("steelyard: ")] == []
        errors = [line for line in lines if line.startswith("steelyard: error: ")]
        assert errors == lines[-1:]
        assert "internal error" not in errors[0]
        return errors[0].removeprefix("steelyard: error: ")


@pytest.fixture
def steelyard(capsys):
    """Run a command line in this process."""

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def real_report():
    """Ask for it to have the report drawn: it takes longer than all the rest of a small study."""


@pytest.fixture(autouse=True)
def short_report(request, monkeypatch):
    """An empty page in place of the report, for tests that do not ask for the real one."""

    def write(record, path, *rest):
        path.write_text("<!doctype html>", encoding="utf-8")
        return path

    if "real_report" not in request.fixturenames:
        monkeypatch.setattr("steelyard.api.result.write_report", write)


@pytest.fixture
def quick():
    return QUICK


@pytest.fixture
def table(tmp_path):
    """A small table of three classes, alone in its folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return write_csv(folder / "patients.csv", HEADER, make_lines())


@pytest.fixture(scope="session")
def plain_environment():
    """What a process needs, without the settings of whoever runs the tests."""
    return {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG", "SYSTEMROOT", "TMPDIR")}


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A finished study to predict with; not to be changed."""
    root = tmp_path_factory.mktemp("finished")
    path = write_csv(root / "patients.csv", HEADER, make_lines())
    extra = ("--id", "patient", "--fold-column", "part", "--out", str(root / "study"))
    assert main(["study", str(path), "--target", "diagnosis", *QUICK, *extra]) == 0
    return root

"""Everything that can be wrong with data and arguments: one line on stderr, an exit code, and nothing on disk."""

from __future__ import annotations

import os

import polars as pl
import pytest

GOOD = "x,y,target\n" + "".join(
    f"{i * 0.37 % 1:.3f},{i * 0.61 % 1:.3f},{'rare' if i % 5 == 0 else 'common'}\n" for i in range(40)
)


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def lines_of(labels, extra=""):
    return "x,target\n" + "".join(f"{i * 0.37 % 1:.3f},{label}\n" for i, label in enumerate(labels)) + extra


BAD_FILES = {
    "missing target column": (
        "a.csv",
        GOOD.replace("target", "targte"),
        2,
        "unknown column 'target': did you mean 'targte'?",
    ),
    "one class only": ("a.csv", lines_of(["same"] * 30), 1, "one class only, 'same'"),
    "all labels missing": ("a.csv", lines_of([""] * 30), 1, "holds no label: all 30 are missing"),
    "infinite feature": ("a.csv", GOOD.replace("0.370", "inf"), 1, "column 'x', row 2: inf is infinite"),
    "feature beyond float64": ("a.csv", GOOD.replace("0.370", "1e999"), 1, "column 'x', row 2"),
    "empty file": ("a.csv", "", 1, "is empty"),
    "only white space": ("a.csv", " \n\n", 1, "is empty"),
    "header only": ("a.csv", "x,target\n", 1, "has a header but no rows"),
    "ragged": ("a.csv", GOOD + "1,2\n", 1, "line 42: 2 fields where the header has 3"),
    "open quote": ("a.csv", GOOD + '1,"2,rare\n', 1, "quote"),
    "no encoding that is known": ("a.csv", GOOD.replace("rare", "\x81").encode("latin-1"), 1, "is neither UTF-8 nor"),
    "binary junk": ("a.csv", bytes(range(256)) * 20, 1, "line "),
    "png called csv": ("a.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 50, 1, "NUL byte"),
    "a column twice": ("a.csv", GOOD.replace("x,y,", "x,x,"), 1, "column name 'x' occurs more than once"),
    "blank column name": ("a.csv", GOOD.replace("x,y,", ",y,"), 1, "column 1 has a blank name"),
    "a quantity": ("a.csv", lines_of([f"{i * 1.37:.2f}" for i in range(200)]), 1, "looks like a quantity, not a class"),
    "a whole quantity": ("a.csv", lines_of([str(20000 + 37 * i) for i in range(200)]), 1, "looks like a quantity"),
    "only single rows": (
        "a.csv",
        lines_of([f"name {i}" for i in range(12)]),
        1,
        "fewer than two classes can be scored",
    ),
    "one class besides single rows": ("a.csv", lines_of(["a"] * 30 + ["b"]), 1, "fewer than two classes can be scored"),
    "target is all there is": ("a.csv", "target\n" + "a\nb\n" * 10, 1, "no feature column is left"),
    "constant features": ("a.csv", "x,target\n" + "1,a\n1,b\n" * 10, 1, "constant"),
    "features all missing": ("a.csv", "x,z,target\n" + ",NA,a\n,NA,b\n" * 10, 1, "missing"),
    "two rows": ("a.csv", "x,target\n1,a\n2,b\n", 2, "folds need at least as many rows; there are 2"),
    "broken parquet": ("a.parquet", b"PAR1 and no more", 1, "a.parquet"),
    "broken json lines": ("a.jsonl", '{"x": 1, "target": "a"}\n{"x": \n', 1, "line 2"),
    "a json array": ("a.jsonl", '[{"x": 1, "target": "a"}]\n', 1, "line 1"),
    "unknown suffix": ("a.xlsx", GOOD, 2, "cannot tell the format from the suffix '.xlsx'"),
    "no suffix": ("table", GOOD, 2, "known: .csv"),
    "a file that is not there": (None, "", 2, "there is no file"),
}


@pytest.mark.parametrize("case", BAD_FILES)
@pytest.mark.parametrize("command", ["study", "train"])
def test_bad_files(steelyard, quick, tmp_path, case, command):
    name, content, code, message = BAD_FILES[case]
    if command == "train" and message.startswith("fewer than two classes"):
        pytest.skip("nothing needs to be scored for a rule that has nothing to fit")
    path = tmp_path / (name or "nowhere.csv")
    if name:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = everything(tmp_path)
    options = quick if command == "study" else ("--model", "linear", "--folds", "3")
    found = steelyard(command, path, "--target", "target", *options, "--out", tmp_path / "out")
    assert (found.code, found.out) == (code, "")
    assert message in found.failure
    assert everything(tmp_path) == before


BAD_ARGUMENTS = {
    "unknown strategy": (["--strategies", "invers"], "did you mean 'inverse'?"),
    "no such component": (["--strategies", "zzz"], "known: "),
    "strategy that cannot be read": (["--strategies", "focal(gamma="], "focal(gamma="),
    "strategies that conflict": (["--strategies", "inverse + sqrt"], "inverse"),
    "empty strategies": (["--strategies", " ; "], "strateg"),
    "unknown model": (["--models", "lienar"], "did you mean 'linear'?"),
    "unknown argument of a model": (["--models", "linear(D=3)"], "D"),
    "argument out of range": (["--models", "linear(C=-1)"], "C and max_iter must be positive"),
    "unknown metric": (["--metric", "macrof1"], "did you mean 'macro_f1'?"),
    "metric of two classes": (["--metric", "f1"], "use macro_f1"),
    "one fold": (["--folds", "1"], "--folds must be at least 2, not 1"),
    "no folds": (["--folds", "0"], "--folds must be at least 2"),
    "more folds than rows": (["--folds", "5000"], "5000 folds need at least as many rows"),
    "folds that are no number": (["--folds", "five"], "--folds"),
    "no repeats": (["--repeats", "0"], "--repeats must be at least 1"),
    "negative seed": (["--seed", "-1"], "--seed must be 0 or more"),
    "no jobs": (["--jobs", "0"], "--jobs must not be 0"),
    "duplicates": (["--duplicates", "drop"], "--duplicates must be keep or group, not 'drop'"),
    "task": (["--task", "regression"], "regression"),
    "task that does not fit": (["--task", "binary"], "3 classes"),
    "unknown group column": (["--group", "patients"], "did you mean 'patient'?"),
    "unknown id column": (["--id", "Patient"], "did you mean 'patient'?"),
    "unknown fold column": (["--fold-column", "parts"], "did you mean 'part'?"),
    "id is the target": (["--id", "diagnosis"], "cannot be both target and id"),
    "group is the target": (["--group", "diagnosis"], "cannot be both target and group"),
    "fold column with repeats": (
        ["--fold-column", "part", "--repeats", "2"],
        "--repeats cannot be used with --fold-column",
    ),
    "unknown option": (["--fold", "3"], "--fold"),
    "option without a value": (["--metric"], "--metric"),
    "a word too many": (["surplus"], "surplus"),
    "negated flag": (["--no-force"], "--no-force"),
}


@pytest.mark.parametrize("case", BAD_ARGUMENTS)
def test_bad_arguments(steelyard, quick, table, tmp_path, case):
    arguments, message = BAD_ARGUMENTS[case]
    given = [*quick[:-2], "--jobs", "1"]
    for name in arguments[::2]:
        if name in given:
            position = given.index(name)
            del given[position : position + 2]
    before = everything(tmp_path)
    found = steelyard("study", table, "--target", "diagnosis", "--out", tmp_path / "out", *given, *arguments)
    assert (found.code, found.out) == (2, "")
    assert message in found.failure
    assert everything(tmp_path) == before


def test_a_study_without_a_target_lists_the_columns(steelyard, table, tmp_path):
    found = steelyard("study", table, "--out", tmp_path / "out")
    assert found.code == 2
    assert found.failure.endswith("TSH, T3, sex, patient, part, diagnosis")


@pytest.mark.parametrize(
    "arguments", [[], ["studdy"], ["study"], ["train"], ["predict"], ["predict", "x"], ["--frobnicate"]]
)
def test_wrong_command_lines(steelyard, arguments):
    found = steelyard(*arguments)
    assert (found.code, found.out) == (2, "")
    assert "Traceback" not in found.err
    assert found.err.strip()


def test_groups_with_gaps(steelyard, quick, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "x,who,target\n" + "".join(f"{i * i % 17},{'' if i == 3 else i // 2},{'ab'[i % 2]}\n" for i in range(40))
    )
    found = steelyard("study", path, "--target", "target", "--group", "who", *quick, "--out", tmp_path / "out")
    assert (found.code, found.failure) == (1, "the group column has rows without a group; name one for every row")


class TestOutputFolder:
    """What is on disk already is never lost."""

    def study(self, steelyard, quick, table, out, *options):
        return steelyard("study", table, "--target", "diagnosis", *quick, "--out", out, *options)

    def test_a_folder_with_other_files_is_refused_even_with_force(self, steelyard, quick, table, tmp_path):
        (tmp_path / "out" / "model").mkdir(parents=True)
        (tmp_path / "out" / "thesis.txt").write_text("years of work")
        before = everything(tmp_path)
        for options in ([], ["--force"], ["--resume"]):
            found = self.study(steelyard, quick, table, tmp_path / "out", *options)
            assert found.code == 2
            assert "holds other files (thesis.txt)" in found.failure
        assert everything(tmp_path) == before

    def test_a_file_is_refused(self, steelyard, quick, table, tmp_path):
        (tmp_path / "out").write_text("years of work")
        found = self.study(steelyard, quick, table, tmp_path / "out", "--force")
        assert found.code == 2
        assert (tmp_path / "out").read_text() == "years of work"

    @pytest.mark.parametrize("command", ["study", "train", "predict"])
    def test_a_place_that_cannot_be_written(self, steelyard, quick, table, finished, tmp_path, command):
        blocked = tmp_path / "file"
        blocked.write_text("in the way")
        arguments = {
            "study": (table, "--target", "diagnosis", *quick, "--out", blocked / "out"),
            "train": (table, "--target", "diagnosis", "--model", "linear", "--out", blocked / "out"),
            "predict": (finished / "study", table, "--output", blocked / "out.csv"),
        }[command]
        before = everything(tmp_path)
        found = steelyard(command, *arguments)
        assert found.code in (1, 2)
        assert str(blocked) in found.failure
        assert everything(tmp_path) == before

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_a_folder_without_permission(self, steelyard, quick, table, tmp_path):
        (tmp_path / "locked").mkdir(mode=0o500)
        found = self.study(steelyard, quick, table, tmp_path / "locked" / "out")
        assert found.code == 1
        assert "Permission denied" in found.failure

    def test_bad_data_leaves_a_finished_study_as_it_is(self, steelyard, quick, table, tmp_path):
        out = tmp_path / "out"
        assert self.study(steelyard, quick, table, out).code == 0
        before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
        bad = tmp_path / "bad.csv"
        bad.write_text(lines_of(["a"] * 30).replace("target", "diagnosis"))
        assert self.study(steelyard, quick, bad, out, "--force").code == 1
        assert self.study(steelyard, quick, table, out, "--force", "--group", "nobody").code == 2
        assert self.study(steelyard, quick, table, out).code == 2
        assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before

    @pytest.mark.parametrize("existing", ["file", "folder"])
    def test_train_with_force_replaces_models_only(self, steelyard, table, tmp_path, existing):
        out = tmp_path / "precious"
        if existing == "file":
            out.write_text("years of work")
        else:
            out.mkdir()
            (out / "thesis.txt").write_text("years of work")
        before = everything(tmp_path)
        found = steelyard("train", table, "--target", "diagnosis", "--model", "linear", "--out", out, "--force")
        assert found.code == 2
        assert "is no model directory" in found.failure
        assert everything(tmp_path) == before

    def test_a_model_of_ones_own_is_not_replaced_by_that_of_a_study(self, steelyard, quick, table, tmp_path):
        (tmp_path / "out" / "model").mkdir(parents=True)
        (tmp_path / "out" / "model" / "weights.bin").write_text("years of work")
        found = self.study(steelyard, quick, table, tmp_path / "out", "--resume")
        assert found.code == 2
        assert (tmp_path / "out" / "model" / "weights.bin").read_text() == "years of work"


BAD_ROWS = {
    "missing columns": ("T3,sex,zzz\n1,F,2\n", "lacks the column 'TSH'"),
    "no number": ("TSH,T3,sex\n1,2,F\nx7,2,F\n", "column 'TSH', row 2: 'x7' is not a number"),
    "infinite": ("TSH,T3,sex\n1,-inf,F\n", "infinite"),
    "empty": ("", "is empty"),
    "ragged": ("TSH,T3,sex\n1,2\n", "line 2"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_rows_that_cannot_be_predicted(steelyard, finished, tmp_path, case):
    content, message = BAD_ROWS[case]
    (tmp_path / "new.csv").write_text(content)
    found = steelyard("predict", finished / "study", tmp_path / "new.csv", "--output", tmp_path / "out.csv")
    assert (found.code, found.out) == (1, "")
    assert message in found.failure
    assert everything(tmp_path) == ["new.csv"]


def test_wrong_uses_of_predict(steelyard, finished, tmp_path):
    rows = finished / "patients.csv"
    for arguments, code, message in [
        ((finished / "nowhere", rows), 1, "is not a folder"),
        ((tmp_path, rows), 1, "is no model directory"),
        ((finished / "study", finished / "nowhere.csv"), 2, "there is no file"),
        ((finished / "study", rows, "--output", tmp_path / "out.txt"), 2, "the ending must be one of"),
        ((finished / "study", rows, "--id", "patent"), 2, "did you mean 'patient'?"),
    ]:
        found = steelyard("predict", *arguments)
        assert (found.code, found.out) == (code, "")
        assert message in found.failure
    (tmp_path / "out.csv").write_text("years of work")
    found = steelyard("predict", finished / "study", rows, "--output", tmp_path / "out.csv")
    assert (found.code, "is there already" in found.failure) == (2, True)
    assert (tmp_path / "out.csv").read_text() == "years of work"


def test_an_unreadable_model_is_one_line(steelyard, finished, tmp_path):
    import shutil

    broken = shutil.copytree(finished / "study", tmp_path / "study")
    content = bytearray((broken / "model" / "arrays.safetensors").read_bytes())
    content[-1] ^= 1
    (broken / "model" / "arrays.safetensors").write_bytes(bytes(content))
    found = steelyard("predict", broken, finished / "patients.csv")
    assert (found.code, found.out) == (1, "")
    assert "is damaged: its checksum does not match" in found.failure


def test_debug_shows_the_traceback_and_nothing_else_does(steelyard, tmp_path):
    shown = steelyard("study", tmp_path / "none.csv", "--target", "y", "--debug")
    assert shown.code == 2
    assert "Traceback (most recent call last)" in shown.err
    assert "Traceback" not in steelyard("study", tmp_path / "none.csv", "--target", "y").err


def test_infinity_in_parquet(steelyard, quick, tmp_path):
    frame = pl.DataFrame(
        {"x": [1.0, float("inf"), 2.0] * 10, "z": list(range(0, 90, 3)), "target": ["a", "b", "a"] * 10}
    )
    frame.write_parquet(tmp_path / "a.parquet")
    found = steelyard("study", tmp_path / "a.parquet", "--target", "target", *quick, "--out", tmp_path / "out")
    assert found.code == 1
    assert "column 'x', row 2" in found.failure

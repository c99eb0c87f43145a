from __future__ import annotations

import os

import pytest

from steelyard.data.folder import read_class_folder, walk
from steelyard.errors import DataError, UsageError


def fill(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def read(root):
    return read_class_folder(root, lambda path: path.suffix in (".png", ".mp4"))


def test_the_first_folder_is_the_class_however_deep_a_file_lies(tmp_path):
    found = read(fill(tmp_path, "b/x.png", "a/z/deep/er/y.mp4", "a/a.png"))
    assert found.names == ("a/a.png", "a/z/deep/er/y.mp4", "b/x.png")
    assert found.labels == ("a", "a", "b")
    assert found.warnings == ()


def test_what_is_left_out_is_said(tmp_path):
    (tmp_path / "bare").mkdir()
    fill(tmp_path, "a/x.png", "b/y.png", "b/notes.docx", "only/readme.pdf", "loose.png", "a/.hidden.png", ".git/x.png")
    found = read(tmp_path)
    assert found.names == ("a/x.png", "b/y.png")
    assert found.warnings == (
        "1 file directly in the folder has no class: left out.",
        "2 files of other kinds are left out: b/notes.docx, only/readme.pdf.",
        "Folders without a file that can be used are no classes: bare, only.",
    )


def test_links_are_followed_once_and_never_round_in_a_circle(tmp_path):
    root = fill(tmp_path / "root", "a/x.png", "b/y.png")
    fill(tmp_path / "elsewhere", "one.png")
    (root / "a/loop").symlink_to(root / "a")
    (root / "a/up").symlink_to(root)
    (root / "b/self.png").symlink_to(root / "b/self.png")
    (root / "b/broken.png").symlink_to(tmp_path / "nothing.png")
    (root / "c").symlink_to(tmp_path / "elsewhere")
    (root / "d").symlink_to(tmp_path / "elsewhere")
    found = read(root)
    assert found.names == ("a/x.png", "b/y.png", "c/one.png")
    assert sum("was read already" in warning for warning in found.warnings) == 3


def test_a_walk_that_follows_no_links_stays_inside(tmp_path):
    root = fill(tmp_path / "root", "x.png", "in/y.png")
    fill(tmp_path, "secret/z.png")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "z.png").symlink_to(tmp_path / "secret/z.png")
    assert [path.name for path in walk(root, [], follow=False)] == ["y.png", "x.png"]


def test_pipes_are_no_files(tmp_path):
    fill(tmp_path, "a/x.png")
    os.mkfifo(tmp_path / "a/pipe.png")
    assert read(tmp_path).names == ("a/x.png",)


def test_names_in_any_script_and_names_that_are_none(tmp_path):
    fill(tmp_path, "サッカー/ゴール ⚽.png", "مضحك/١.png")
    with open(os.fsencode(tmp_path / "مضحك") + b"/\xff\xfe.png", "wb"):  # noqa: PTH123
        pass
    found = read(tmp_path)
    assert found.labels == ("مضحك", "サッカー")
    assert len(found.warnings) == 1
    assert "not valid UTF-8" in found.warnings[0]
    "".join(found.warnings).encode("utf-8")


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        ((), DataError, "no sub-folders"),
        (("x.png",), DataError, "no sub-folders"),
        (("a/x.doc",), DataError, "no sub-folder holds"),
    ],
)
def test_a_folder_without_classes_is_an_error(tmp_path, names, error, message):
    with pytest.raises(error, match=message):
        read(fill(tmp_path, *names))


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="there is no folder"):
        read(tmp_path / "nowhere")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_read_is_said(tmp_path):
    fill(tmp_path, "a/x.png", "b/y.png")
    (tmp_path / "b").chmod(0)
    assert any("b cannot be read" in warning for warning in read(tmp_path).warnings)


def test_a_folder_that_cannot_be_listed_is_said(tmp_path, monkeypatch):
    fill(tmp_path, "a/x.png", "b/y.png")
    real = os.scandir

    def refuse(path):
        if str(path).endswith("/b"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = read(tmp_path)
    assert found.names == ("a/x.png",)
    assert any("b cannot be read: Permission denied" in warning for warning in found.warnings)

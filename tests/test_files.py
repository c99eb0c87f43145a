from __future__ import annotations

import errno
from pathlib import Path

import pytest

from steelyard.files import replacing, replacing_folder


@pytest.mark.parametrize("writer", [replacing, replacing_folder])
def test_an_error_names_the_file_the_user_asked_for(writer, tmp_path, monkeypatch) -> None:
    def refuse(path, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    real = Path.mkdir

    def mkdir(path, *rest, **options):
        return refuse(path) if "partial" in path.name else real(path, *rest, **options)

    monkeypatch.setattr(Path, "touch", refuse)
    monkeypatch.setattr(Path, "mkdir", mkdir)
    target = tmp_path / "out.csv"
    with pytest.raises(PermissionError) as caught, writer(target):
        pass
    assert caught.value.filename == str(target)
    assert str(caught.value) == f"[Errno {errno.EACCES}] Permission denied: {str(target)!r}"


def test_an_error_about_another_file_keeps_its_name(tmp_path) -> None:
    with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "out.csv"):
        (tmp_path / "absent").read_text()
    assert caught.value.filename == str(tmp_path / "absent")
    assert list(tmp_path.iterdir()) == []

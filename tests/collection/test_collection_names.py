from __future__ import annotations

import pathlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.collection import UNSURE, folder_names
from steelyard.collection.names import numbered

# Microsoft, "Naming Files, Paths, and Namespaces".
FORBIDDEN = '<>:"/\\|?*'
DEVICES = ["CON", "PRN", "AUX", "NUL", *(f"{name}{n}" for name in ("COM", "LPT") for n in "123456789¹²³")]


@given(st.lists(st.text(max_size=300), max_size=8))
def test_names_are_safe_on_every_system_and_differ_where_labels_do(labels):
    names = folder_names(labels)
    assert set(names) == set(labels)
    for name in names.values():
        assert name == unicodedata.normalize("NFC", name)
        assert not set(name) & set(FORBIDDEN)
        assert all(ord(letter) >= 32 for letter in name)
        assert name.strip() == name
        assert not name.startswith(".")
        assert not name.endswith((".", " "))
        assert 1 <= len(name.encode()) <= 220
        assert name.partition(".")[0].strip().upper() not in DEVICES
        assert len(pathlib.PureWindowsPath(name).parts) == 1
    folded = {unicodedata.normalize("NFC", name.casefold()) for name in names.values()}
    assert len(folded) == len(names)
    assert UNSURE not in folded


@pytest.mark.parametrize("label", ["..", ".", "../../etc/passwd", "/etc", "C:\\Windows", "a/b", "\\\\host\\share"])
def test_no_label_leads_out_of_the_folder(label, tmp_path):
    name = folder_names([label])[label]
    assert (tmp_path / name).resolve().parent == tmp_path.resolve()


@pytest.mark.parametrize("device", DEVICES)
def test_devices_of_windows_are_no_folders(device):
    for label in (device, device.lower(), f"{device}.txt", f"{device} .a"):
        assert folder_names([label])[label].startswith("_")


@pytest.mark.parametrize("label", ["サッカー", "كرة القدم", "футбол", "ตลก", "👨‍👩‍👧", "Ünïcode"])
def test_any_script_stays_as_it_is(label):
    assert folder_names([label])[label] == unicodedata.normalize("NFC", label)


def test_composed_and_decomposed_letters_are_one_name_on_some_systems():
    names = folder_names(["caf\u00e9", "cafe\u0301", "CAFÉ"])
    assert list(names.values()) == ["café", "café (2)", "CAFÉ (3)"]


def test_numbers_leave_room_in_long_names():
    name = numbered("ä" * 125 + ".jpeg", 12)
    assert name.endswith(" (12).jpeg")
    assert len(name.encode()) <= 255

"""Folder names made from labels: safe on every system, and different where the labels are."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

#: Folder for files whose label is in doubt.
UNSURE = "_unsure"
#: Folder for what a sort keeps of itself, inside the folder that is sorted into.
OWN = ".steelyard-sort"

_FORBIDDEN = re.compile('[\x00-\x1f\x7f-\x9f<>:"/\\\\|?*\u202a-\u202e\u2066-\u2069\ud800-\udfff]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
#: File systems count bytes (ext4: 255); room is left for numbers.
_LONGEST = 200


def folder_names(labels: Iterable[object]) -> dict[str, str]:
    """Folder name of each label.

    A name has no separator, no character that some system forbids, no leading or trailing dot or space and is no
    device of Windows; it is in composed Unicode and has at most 200 bytes. Names that differ in case alone, or that
    came to be the same, get a number, in order of the labels.

    Examples
    --------
    >>> folder_names(["soccer", "../etc", "Soccer", "aux.txt", "dots...", "_unsure", "日本"])
    {'soccer': 'soccer', '../etc': '_.._etc', 'Soccer': 'Soccer (2)', 'aux.txt': '_aux.txt', 'dots...': 'dots', \
'_unsure': '_unsure (2)', '日本': '日本'}
    """
    taken = {name_key(UNSURE)}
    names: dict[str, str] = {}
    for label in map(str, labels):
        plain = _plain(label)
        name, number = plain, 1
        while name_key(name) in taken:
            number += 1
            name = f"{plain} ({number})"
        taken.add(name_key(name))
        names[label] = name
    return names


def name_key(name: str) -> str:
    """What is equal for names that some file system takes for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _plain(label: str) -> str:
    name = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", label)).strip().rstrip(". ")
    # A leading dot would hide the folder; what is left of ".." would still look like a way out.
    if not name or name.startswith(".") or _RESERVED.fullmatch(name):
        name = f"_{name}"
    content = name.encode("utf-8")
    if len(content) > _LONGEST:
        mark = hashlib.sha256(content).hexdigest()[:12]
        name = content[: _LONGEST - 13].decode("utf-8", "ignore").rstrip(". ") + f"~{mark}"
    return name


def numbered(name: str, number: int) -> str:
    """File name with a number before its ending.

    Examples
    --------
    >>> numbered("goal.mp4", 2), numbered("README", 3)
    ('goal (2).mp4', 'README (3)')
    """
    if number == 1:
        return name
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, dot + ending) if stem else (name, "")
    # Names near the system's limit must have room for the number.
    while len(f"{stem} ({number}){ending}".encode()) > 255 and stem:
        stem = stem[:-1]
    return f"{stem} ({number}){ending}"

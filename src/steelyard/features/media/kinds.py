"""What kind of file a name stands for."""

from __future__ import annotations

from pathlib import PurePath

IMAGE, VIDEO, TEXT = "image", "video", "text"
#: Kinds of files, in the order of their columns.
KINDS = (IMAGE, VIDEO, TEXT)

_SUFFIXES = {
    IMAGE: "bmp gif jfif jpe jpeg jpg pbm pgm png ppm tga tif tiff webp",
    VIDEO: "avi flv m4v mkv mov mp4 mpeg mpg mts ogv ts webm wmv",
    TEXT: "md rst text txt",
}
_KIND_OF = {f".{suffix}": kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}


def kind_of(path: PurePath | str) -> str | None:
    """Kind of a file by its suffix, in any case; None where it is none that can be described.

    Examples
    --------
    >>> kind_of("a/Goal.MP4"), kind_of("b.jpeg"), kind_of("notes.txt"), kind_of("sheet.xlsx")
    ('video', 'image', 'text', None)
    """
    return _KIND_OF.get(PurePath(path).suffix.lower())

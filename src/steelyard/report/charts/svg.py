"""From what vl-convert writes to SVG that fits into a page: labelled, themed, slim, without clashing ids."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup

#: Colours as the charts name them (those of the light theme), and the style sheet's variable for each.
PALETTE = {
    "#1b2430": "--ink",
    "#5a6573": "--muted",
    "#e3e7ec": "--line",
    "#0b66a8": "--gain",
    "#b3470b": "--loss",
    "#626c79": "--same",
    "#636d7a": "--few",
    "#7d8795": "--faint",
    "#6c8dab": "--bar",
    "#c5d0da": "--pale",
    "#fdfefe": "--surface",
}
COLOURS = {variable.removeprefix("--"): colour for colour, variable in PALETTE.items()}
_LONG_DECIMAL = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
_DROPPED = (
    "class",
    "role",
    "aria-roledescription",
    "aria-hidden",
    "pointer-events",
    "font-family",
    "version",
)


def themed_svg(drawing: str, key: str, title: str, description: str) -> Markup:
    """Drawing ready for the page.

    Parameters
    ----------
    drawing : str
        SVG from vl-convert.
    key : str
        Unique name within the page; ids are built from it.
    title, description : str
        What the chart shows and what it says, for those who do not see it.
    """
    from markupsafe import Markup

    root = ET.fromstring(drawing)
    _strip(root, key)
    for name in ("width", "height"):
        root.attrib.pop(name, None)
    root.set("class", key.rpartition("-")[2])
    root.set("role", "img")
    root.set("aria-labelledby", f"{key}-title {key}-text")
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(tag, {"id": f"{key}-{'text' if place else 'title'}"})
        element.text = text
        root.insert(place, element)
    return Markup(ET.tostring(root, encoding="unicode"))


def _strip(element: ET.Element, key: str) -> None:
    element.tag = element.tag.rpartition("}")[2]
    for name, value in list(element.attrib.items()):
        if name in _DROPPED:
            del element.attrib[name]
        elif name in ("fill", "stroke") and value in PALETTE:
            element.set(name, f"var({PALETTE[value]})")
        elif name == "id":
            element.set(name, f"{key}-{value}")
        else:
            shortened = _LONG_DECIMAL.sub(lambda match: f"{float(match.group()):.2f}", value)
            element.set(name, shortened.replace("url(#", f"url(#{key}-"))
    for child in list(element):
        if _is_invisible(child):
            element.remove(child)
        else:
            _strip(child, key)


def _is_invisible(element: ET.Element) -> bool:
    tag = element.tag.rpartition("}")[2]
    if element.get("display") == "none":
        return True
    if tag == "path":
        return element.get("class") in ("background", "foreground") and not {"fill", "stroke"} & set(element.attrib)
    return tag == "text" and not element.text and not len(element)

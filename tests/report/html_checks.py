"""A strict reading of a page with the standard library's parser: what a validator would complain about."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "wbr", "hr", "img", "input"}


class Page(HTMLParser):
    """Elements of a page; raises on one that is not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.tables: list[list[list[str]]] = []
        self.captions: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.stack == [], f"never closed: {self.stack}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(self.stack)))
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute is given twice: <{tag} {attrs}>"
        if tag == "table":
            self.tables.append([])
        elif tag == "caption":
            self.captions.append("")
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "svg" in self.stack, f"<{tag}/> closes itself outside of SVG"
        self.elements.append((tag, dict(attrs), tuple(self.stack)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack, f"</{tag}> closes nothing"
        assert self.stack[-1] == tag, f"</{tag}> closes <{self.stack[-1]}>"
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        if "caption" in self.stack:
            self.captions[-1] += data
        elif "td" in self.stack or "th" in self.stack:
            self.tables[-1][-1][-1] += data + ("\n" if "span" in self.stack else "")
        self.texts.append((self.stack[-1] if self.stack else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of all elements of a kind."""
        return [attributes for name, attributes, _ in self.elements if name == tag]

    def table(self, caption: str) -> list[list[str]]:
        """Cells of the table whose caption starts so."""
        place = next(place for place, text in enumerate(self.captions) if text.startswith(caption))
        return self.tables[place]

    def text(self) -> str:
        """Everything a reader sees, with white space as a browser shows it."""
        seen = "".join(data for tag, data in self.texts if tag not in ("style", "title", "desc"))
        return " ".join(seen.replace("\u00a0", " ").split())

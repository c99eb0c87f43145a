"""The first look as text: bars on a terminal, the same in plain letters in a file."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from steelyard.report import words

if TYPE_CHECKING:
    from steelyard.inspection import Candidate, Inspection

#: More classes than this are not read; the commonest and the rarest are shown.
MOST_CLASSES = 30
_EIGHTHS = " ▏▎▍▌▋▊▉"
_BOLD, _DIM, _BLUE, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[34m", "\x1b[0m"


class Paper:
    """Where text goes: its width, and whether it shows colour and block characters.

    A file gets ASCII bars and no colour; ``NO_COLOR`` takes the colour from a terminal too.
    """

    def __init__(self, width: int, *, colour: bool, blocks: bool) -> None:
        self.width, self.colour, self.blocks = max(width, 30), colour, blocks

    @classmethod
    def of_stdout(cls) -> Paper:
        """Paper for what stdout is now."""
        live = sys.stdout.isatty()
        plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        width = shutil.get_terminal_size((100, 24)).columns
        unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf8")
        return cls(min(width, 120), colour=live and not plain, blocks=live and unicode)

    def styled(self, text: str, style: str) -> str:
        """Text in a style, where that can be shown."""
        return f"{style}{text}{_PLAIN}" if self.colour and text else text

    def title(self, text: str) -> str:
        """Heading of a section."""
        return "\n" + self.styled(text, _BOLD)

    def bar(self, share: float, room: int) -> str:
        """Bar of a share of the room, padded to it; what is above 0 shows."""
        if not self.blocks:
            length = max(round(share * room), int(share > 0))
            return "#" * length + " " * (room - length)
        eighths = max(round(share * room * 8), int(share > 0))
        drawn = "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
        return self.styled(drawn, _BLUE) + " " * (room - len(drawn))

    def wrapped(self, text: str, first: str = "", rest: str = "") -> str:
        """Paragraph broken to the width."""
        # A number stays on one line with its percent sign.
        tokens = _letters(text, self).replace(" %", "\u00a0%").split(" ")
        lines, line = [], first
        for token in tokens:
            fits = words.columns(line + token) <= self.width
            if not fits and line.strip(" -"):
                lines.append(line.rstrip())
                line = rest
            line += words.shorten(token, self.width - len(rest)) + " "
        return "\n".join([*lines, line.rstrip()]).replace("\u00a0", " ")


def _letters(text: str, paper: Paper) -> str:
    # Class names keep their letters; our own quotation marks need not survive in a file.
    return text if paper.blocks else text.replace("“", '"').replace("”", '"').replace("\u2026", "...")


def padded(text: str, room: int, *, plain: bool = False) -> str:
    """Text on one line, cut or padded to a room in narrow characters.

    Examples
    --------
    >>> padded("soccer", 8), padded("漢字", 6), padded("motorcycle", 8, plain=True)
    ('soccer  ', '漢字  ', 'motor...')
    """
    short = words.shorten(text, room)
    if plain and short.endswith("…"):
        short = words.shorten(text, room - 2).replace("…", "...")
    return short + " " * (room - words.columns(short))


def print_inspection(found: Inspection) -> None:
    """Print an inspection on stdout, fitted to the terminal."""
    print(inspection_text(found, Paper.of_stdout()))


def inspection_text(found: Inspection, paper: Paper) -> str:
    """An inspection as text."""
    lines = [*_heading(found, paper), *_classes(found, paper), *_schemes(found, paper)]
    if found.advice:
        lines.append(paper.title("Advice"))
        lines += [paper.wrapped(words.clean(text), "- ", "  ") for text in found.advice]
    for name, code in found.snippets.items():
        lines += [paper.title(f"{name}: {found.strategy}"), textwrap.indent(code.rstrip(), "    ")]
    lines += [paper.title("Next"), f"    {_next(found)}"]
    return "\n".join(lines)


def _heading(found: Inspection, paper: Paper) -> list[str]:
    counts = found.counts
    title = words.clean(Path(found.source).name or found.source or "labels")
    what = f", target {words.clean(found.target)}" if found.target else ""
    facts = [
        words.several(found.rows, "row"),
        words.several(len(counts), "class", "classes"),
        found.task,
        f"imbalance {words.ratio(counts.imbalance_ratio)} to 1",
    ]
    if found.unlabelled:
        facts.append(f"{found.unlabelled:,} without a label")
    if found.duplicates is not None:
        facts.append(f"{found.duplicates.rows:,} repeated rows")
    for name, what_they_are in ((counts.absent, "absent"), (found.single, "with one row")):
        if name:
            facts.append(f"{words.several(len(name), 'class', 'classes')} {what_they_are}")
    return [paper.styled(paper.wrapped(title + what), _BOLD), paper.wrapped(", ".join(facts))]


def _classes(found: Inspection, paper: Paper) -> list[str]:
    counts = found.counts
    order: Sequence[int] = found.order
    hidden = max(0, len(order) - MOST_CLASSES)
    half = MOST_CLASSES // 2
    shown = list(order) if not hidden else [*order[:half], *order[-half:]]
    ends = {k: f"{words.whole(counts.counts[k])} {_percent(counts.priors[k])}" for k in shown}
    tail = max(map(len, ends.values()))
    longest = max(words.columns(words.clean(counts.classes[k])) for k in shown)
    name_room = min(longest, max(paper.width - tail - 14, 8), paper.width // 2)
    room = paper.width - name_room - tail - 2
    top = float(counts.counts.max()) or 1.0
    lines = [paper.title("Classes")]
    for position, k in enumerate(shown):
        if hidden and position == half:
            lines.append(paper.styled(f"... {hidden} classes in between ...", _DIM))
        share = float(counts.counts[k]) / top
        name = padded(str(counts.classes[k]), name_room, plain=not paper.blocks)
        lines.append(f"{name} {paper.bar(share, room)} {ends[k]:>{tail}}")
    return lines


def _percent(share: float) -> str:
    return words.percent(share).replace("\u00a0", " ").rjust(7)


def _schemes(found: Inspection, paper: Paper) -> list[str]:
    """Table of the schemes; on narrow paper without the weights of the two classes."""
    counts, schemes = found.counts, list(found.schemes.values())
    present = [k for k in found.order if counts.counts[k] > 0]
    rare, common = present[-1], present[0]
    room = max(len(scheme.name) for scheme in schemes)
    wide = paper.width >= room + 50
    header = ["commonest", "rarest"] if wide else []
    header += ["pull", "share", "worth rows"] if wide else ["pull", "share"]
    cell_room = [max(9 if wide else 8, len(name) + 1) for name in header]
    room = min(room, paper.width - sum(cell_room))
    lines = [paper.title("Weights under every scheme")]
    lines.append(" " * room + "".join(f"{name:>{size}}" for name, size in zip(header, cell_room, strict=True)))
    for scheme in schemes:
        cells = [_figure(scheme.weights[common]), _figure(scheme.weights[rare])] if wide else []
        cells += [_figure(scheme.pull), f"{100 * scheme.rarest_share:.1f} %"]
        cells += [f"{scheme.effective_rows:,.0f}"] if wide else []
        row = "".join(f"{cell:>{size}}" for cell, size in zip(cells, cell_room, strict=True))
        lines.append(padded(scheme.name, room, plain=not paper.blocks) + row)
    said = (
        f"pull: what a row of {words.quoted(counts.classes[rare], 30)} counts against one of "
        f"{words.quoted(counts.classes[common], 30)}; share: what that class makes up of the loss"
    )
    if wide:
        said += "; worth rows: unweighted rows that would carry as much information"
    lines.append(paper.styled(paper.wrapped(f"{said}. Weights of all classes: --json."), _DIM))
    return lines


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _next(found: Inspection) -> str:
    if not found.source or Path(found.source).is_dir():
        return "steelyard study --help"
    return f"steelyard study {shlex.quote(found.source)} --target {shlex.quote(found.target)}"


def candidates_text(data: Path, columns: Iterable[str], found: Sequence[Candidate]) -> str:
    """Columns that look like the one to predict, as text."""
    paper = Paper.of_stdout()
    if not found:
        listed = words.listing((words.clean(name) for name in columns), limit=20)
        return paper.wrapped(
            f"No column of {data.name} looks like classes. Name one with --target; the columns are {listed}."
        )
    room = max(words.columns(words.clean(candidate.column)) for candidate in found)
    room = min(room, paper.width // 3)
    lines = [paper.styled(f"{data.name}: columns that look like the one to predict, the likeliest first", _BOLD)]
    for candidate in found:
        examples = ", ".join(candidate.examples) + (", ..." if candidate.classes > len(candidate.examples) else "")
        fact = f"{candidate.classes:>4} values, {words.ratio(candidate.imbalance_ratio)} to 1"
        rest = max(paper.width - room - len(fact) - 4, 8)
        name = padded(candidate.column, room, plain=not paper.blocks)
        values = padded(examples, rest, plain=not paper.blocks)
        lines.append(f"{name}  {fact}  {values}".rstrip())
    example = f"steelyard inspect {shlex.quote(str(data))} --target {shlex.quote(found[0].column)}"
    return "\n".join([*lines, "", f"    {example}"])

"""Write docs/command-line.md from the commands themselves: ``python scripts/command_line.py``.

A test keeps the page and the commands together.
"""

from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from steelyard.cli.commands import ABOUT, COMMANDS, Command

PAGE = Path(__file__).resolve().parents[1] / "docs" / "command-line.md"

HEAD = """\
# The command line

{about}

```
steelyard COMMAND [OPTIONS]
steelyard COMMAND --help
steelyard --version
```

{commands}

**Data** go to stdout, notes and progress to stderr, so that `steelyard ... --json | jq` and `> file` work. On a
terminal there is a progress bar; elsewhere a line at each quarter. An option is written `--folds 5` or `--folds=5`.

| input | read as |
| --- | --- |
| `.csv` `.tsv` | labels and ids stay the text they are (`007`, `NA`, `None`); an empty field is missing |
| `.parquet` `.jsonl` `.json` | with their own types |
| `.txt` | a text in each line (`predict`) |
| `.conll` | a token and its tag in each line, an empty line between sentences |
| a folder | one sub-folder for each class (`inspect`) |
"""

TAIL = """\
## Exit codes

| code | meaning |
| --- | --- |
| 0 | done; also when the reader of a pipe stops reading |
| 1 | the data or a file cannot be used, or something failed |
| 2 | an argument is wrong, or an output is there already and `--force` was not given |
| 130 | interrupted; a study goes on with `--resume` |

A failure is one line on stderr: what is wrong, where, and what to do. `--debug`, anywhere on the line, adds the
traceback.

## Environment

| variable | effect |
| --- | --- |
| `NO_COLOR` | no colour on a terminal |
| `COLUMNS` | width of help and of `inspect`; by default the terminal's |

## Files

Outputs are written beside their place and renamed when they are whole, so that there is never half a file. Nothing is
overwritten without `--force`. A study's folder holds `report.html`, `study.json`, `predictions.parquet`,
`ledger.sqlite` and `model/`; a folder that holds anything else is never written to.

## Completion

```
steelyard completion bash > ~/.local/share/bash-completion/completions/steelyard
steelyard completion zsh > ~/.zfunc/_steelyard        # with fpath+=~/.zfunc before compinit
steelyard completion fish > ~/.config/fish/completions/steelyard.fish
```
"""


def page() -> str:
    """The whole page."""
    listed = "\n".join(
        ["| command | does |", "| --- | --- |"]
        + [f"| [`{name}`](#steelyard-{name}) | {command.summary} |" for name, command in COMMANDS.items()]
    )
    sections = [section(name, command) for name, command in COMMANDS.items()]
    return "\n".join([HEAD.format(about=ABOUT, commands=listed), *sections, TAIL])


def section(name: str, command: Command) -> str:
    """What there is to say about one command."""
    module, _, function = command.where.partition(":")
    call = getattr(importlib.import_module(module), function)
    described = parameter_texts(call.__doc__ or "")
    parameters = inspect.signature(call).parameters.values()
    own = [parameter for parameter in parameters if parameter.kind is parameter.POSITIONAL_ONLY]
    options = [parameter for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    synopsis = " ".join(
        ["steelyard", name, *(parameter.name.upper() for parameter in own), "[OPTIONS]" * bool(options)]
    )
    paragraphs = inspect.cleandoc(call.__doc__ or "").split("\nParameters\n")[0].strip().split("\n\n")
    said = [text for text in paragraphs if not text.startswith("Example:")]
    lines = [f"## steelyard {name}", "", "\n\n".join(said), "", "```", synopsis, f"$ {command.example}", "```", ""]
    lines += ["| argument | meaning | default |", "| --- | --- | --- |"]
    lines += [f"| `{parameter.name.upper()}` | {described[parameter.name]} | required |" for parameter in own]
    for parameter in options:
        # Options that several commands share stand in a class of their own.
        if is_dataclass(parameter.default):
            shared = parameter_texts(type(parameter.default).__doc__ or "")
            fields = inspect.signature(type(parameter.default)).parameters.values()
            lines += [row(field, shared[field.name]) for field in fields]
        else:
            lines.append(row(parameter, described[parameter.name]))
    return "\n".join([*lines, ""])


def row(parameter: inspect.Parameter, text: str) -> str:
    """A line of the table of options."""
    annotation = str(parameter.annotation)
    named = re.search(r"name=['\"](--[a-z-]+)['\"]", annotation)
    option = named.group(1) if named else "--" + parameter.name.replace("_", "-")
    flag = parameter.default is False
    kind = next((word for key, word in KINDS.items() if key in annotation), "TEXT")
    return f"| `{option}{'' if flag else f' {kind}'}` | {text} | {default(parameter.default)} |"


KINDS = {"Path": "PATH", "float": "NUMBER", "int": "N"}


def default(value: Any) -> str:
    """Default of an option as text."""
    if value is inspect.Parameter.empty:
        return "required"
    return "" if value is None or value is False else f"`{value}`"


def parameter_texts(doc: str) -> dict[str, str]:
    """Description of each parameter of a docstring."""
    lines = inspect.cleandoc(doc).partition("----------\n")[2].splitlines()
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        if line and not line.startswith(" "):
            name = line.strip()
            found[name] = ""
        elif line.strip():
            found[name] = f"{found[name]} {line.strip()}".strip().replace("|", "\\|")
    return found


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)

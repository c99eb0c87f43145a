"""The commands, and the overview that ``steelyard --help`` prints."""

from __future__ import annotations

from typing import NamedTuple

ABOUT = (
    "Find out, on your own data, which way of treating rare classes really helps,\n"
    "what it costs the common ones, and train that model."
)


class Command(NamedTuple):
    """A command: where its function is, what it does, and how it is called."""

    where: str
    summary: str
    example: str


COMMANDS = {
    "inspect": Command(
        "steelyard.cli.inspect:inspect",
        "show the classes, what weights would do, and what to mind",
        "steelyard inspect patients.csv --target diagnosis",
    ),
    "study": Command(
        "steelyard.cli.study:study",
        "compare strategies, judge them, train the winner",
        "steelyard study patients.csv --target diagnosis --out study/",
    ),
    "train": Command(
        "steelyard.cli.train:train",
        "train one strategy on one model, without a comparison",
        'steelyard train patients.csv --target diagnosis --strategy "inverse + multipliers" --out model/',
    ),
    "predict": Command(
        "steelyard.cli.predict:predict",
        "predict labels for the rows of a table, or for files",
        "steelyard predict study/ new_patients.csv --proba --output predicted.csv",
    ),
    "export": Command(
        "steelyard.cli.export:export",
        "write a model as ONNX, its decision rule included",
        "steelyard export study/ --format onnx --output model.onnx",
    ),
    "completion": Command(
        "steelyard.cli.completion:completion",
        "print what bash, zsh or fish need to complete commands",
        "steelyard completion bash > ~/.local/share/bash-completion/completions/steelyard",
    ),
    "sort": Command(
        "steelyard.cli.sort:sort",
        "sort files into class folders",
        "steelyard sort study/ unsorted/ --into collection/ --min-confidence 0.6",
    ),
}


def overview() -> str:
    """Text of ``steelyard --help``; written here so that asking for it imports nothing.

    Examples
    --------
    >>> overview().splitlines()[0]
    'Usage: steelyard COMMAND [OPTIONS]'
    """
    lines = ["Usage: steelyard COMMAND [OPTIONS]", "", ABOUT, "", "Commands:"]
    for name, command in COMMANDS.items():
        lines += [f"  {name:12}{command.summary}", f"  {'':12}$ {command.example}"]
    lines += [
        "",
        "Options:",
        "  --help, -h  this text; after a command, its options",
        "  --version   version of Steelyard",
        "  --debug     show the traceback of a failure",
        "",
        "Exit codes: 0 ok, 1 failure, 2 usage, 130 interrupted.",
    ]
    return "\n".join(lines)

"""Processor time of starting up: ``steelyard --help`` (goal: under 0.15 s), one command's help, and bare Python."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys


def seconds(*arguments: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    cases = {
        "python -c pass": ("-c", "pass"),
        "import steelyard": ("-c", "import steelyard"),
        "steelyard --help": ("-m", "steelyard", "--help"),
        "steelyard study --help": ("-m", "steelyard", "study", "--help"),
    }
    for name, arguments in cases.items():
        taken = sorted(seconds(*arguments) for _ in range(11))
        print(f"{name:24} {statistics.median(taken):.3f} s ({taken[0]:.3f} to {taken[-1]:.3f})")


if __name__ == "__main__":
    main()

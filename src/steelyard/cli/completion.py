"""``steelyard completion``: what a shell needs to complete commands and options."""

from __future__ import annotations

from typing import Literal, get_args

from steelyard.errors import UnknownNameError

Shell = Literal["bash", "zsh", "fish"]


def completion(shell: str, /) -> int:
    """Print the completion script of a shell.

    Example: steelyard completion bash > ~/.local/share/bash-completion/completions/steelyard

    Parameters
    ----------
    shell
        bash, zsh or fish.
    """
    # Read by hand, as errors of the command-line library do not list what is known.
    for known in get_args(Shell):
        if shell == known:
            from steelyard.cli.main import make_app

            print(make_app().generate_completion(shell=known))
            return 0
    raise UnknownNameError("shell", shell, get_args(Shell))

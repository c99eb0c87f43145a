"""``steelyard export``: a saved model as a file for elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from steelyard.errors import UsageError

FORMATS = ("onnx",)


def export(
    model: Path,
    /,
    *,
    format_: Annotated[str, Parameter(name="--format")] = "onnx",
    output: Path | None = None,
    force: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Write a saved model, its decision rule included, as a file that needs nothing of Steelyard.

    Example: steelyard export study/ --format onnx --output model.onnx

    Parameters
    ----------
    model
        A study's folder or a model directory.
    format_
        onnx is the only one there is.
    output
        File to write; model.onnx in the working folder by default.
    force
        Replace a file that is there.
    """
    if format_ not in FORMATS:
        raise UsageError(f"--format {format_!r} is not known; it is one of {', '.join(FORMATS)}")

    from steelyard.estimator import load

    print(load(model).export(output or Path(f"model.{format_}"), force=force))
    return 0

"""Writing a model directory: JSON, safetensors, and skops only for foreign scikit-learn parts."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.artifact.manifest import (
    ARRAYS,
    CHECKPOINT,
    ESTIMATOR,
    FORMAT,
    FORMAT_VERSION,
    MANIFEST,
    checksum,
    file_entry,
)
from steelyard.artifact.members import member_state
from steelyard.artifact.trained import TrainedModel
from steelyard.blend import Blend
from steelyard.errors import OutputExistsError, UsageError
from steelyard.files import replacing_folder


def save_model(trained: TrainedModel, path: Path, *, force: bool = False) -> Path:
    """Write a model directory.

    Parameters
    ----------
    trained : TrainedModel
    path : Path
        The directory.
    force : bool, default False
        Replace a directory that is there.

    Returns
    -------
    Path
        The directory.

    Raises
    ------
    OutputExistsError
        When the directory is there and ``force`` is not given, or what is there is no model directory.
    UsageError
        When a class label is of a kind that JSON cannot hold.
    """
    from safetensors.numpy import save_file

    check_replaceable(path)
    arrays: dict[str, NDArray[Any]] = {}
    learned, foreign, write = _learned(trained, arrays)
    with replacing_folder(path, force=force) as folder:
        save_file({key: np.ascontiguousarray(value) for key, value in arrays.items()}, folder / ARRAYS)
        if foreign is not None:
            import skops.io

            (folder / ESTIMATOR).write_bytes(skops.io.dumps(foreign))
        if write is not None:
            (folder / CHECKPOINT).mkdir()
            write(folder / CHECKPOINT)
        manifest: dict[str, Any] = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "steelyard": importlib.metadata.version("steelyard"),
            **learned,
            "classes": [_plain_label(label) for label in trained.classes],
            "info": trained.info,
            "schema": trained.schema.to_dict(),
            "media": None if trained.media is None else trained.media.to_dict(),
            "adjustment": trained.factors.to_state(),
            "decision": trained.decision.to_state(),
            "training": {
                "counts": trained.facts.counts.tolist(),
                "weights": trained.facts.weights.tolist(),
                **({} if trained.facts.known is None else {"known": trained.facts.known.tolist()}),
            },
            "files": {
                file.relative_to(folder).as_posix(): file_entry(file)
                for file in sorted(folder.rglob("*"))
                if file.is_file()
            },
        }
        manifest["checksum"] = checksum(manifest)
        text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False)
        (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return path


def _learned(
    trained: TrainedModel, arrays: dict[str, NDArray[Any]]
) -> tuple[dict[str, Any], Any, Callable[[Path], None] | None]:
    """What the manifest says of the model or of the members of a mixture, and the parts that only others can write."""
    if isinstance(trained.pipeline, Blend):
        foreign: dict[str, Any] = {}
        members = [member_state(m, f"member{i}", arrays, foreign) for i, m in enumerate(trained.pipeline.members)]
        return {"members": members}, foreign or None, None
    assert trained.strategy is not None
    assert trained.model is not None
    encoder_meta, encoder_arrays = trained.pipeline.encoder.to_state()
    state = trained.pipeline.model.to_state()
    arrays |= {f"encoder.{key}": value for key, value in encoder_arrays.items()}
    arrays |= {f"model.{key}": value for key, value in state.arrays.items()}
    said = {
        "strategy": trained.strategy.to_dict(),
        "strategy_text": str(trained.strategy),
        "model": trained.model.to_dict(),
        "model_text": str(trained.model),
        "encoder": encoder_meta,
        "model_state": state.meta,
    }
    return said, state.foreign, state.write


def check_replaceable(path: Path) -> None:
    """Refuse to replace anything but a model directory or an empty folder.

    Raises
    ------
    OutputExistsError
        When something else is there.
    """
    if path.is_dir():
        foreign = sorted({entry.name for entry in path.iterdir()} - {MANIFEST, ARRAYS, ESTIMATOR, CHECKPOINT})
        if foreign:
            raise OutputExistsError(f"{path} is no model directory: it holds {', '.join(foreign[:3])}")
    elif path.exists():
        raise OutputExistsError(f"{path} is no model directory but a file")


def _plain_label(label: Any) -> str | int | float | bool:
    if isinstance(label, (str, bool, int, float)):
        return label
    raise UsageError(f"a {type(label).__name__} label such as {label!r} cannot be saved; use text, numbers or booleans")

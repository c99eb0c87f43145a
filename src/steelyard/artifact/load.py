"""Reading a model directory that may be damaged or hostile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.adjustments import ClassFactors
from steelyard.artifact.foreign import load_estimator
from steelyard.artifact.manifest import ARRAYS, CHECKPOINT, ESTIMATOR, MANIFEST, read_manifest
from steelyard.artifact.members import restored_member
from steelyard.artifact.trained import TrainedModel
from steelyard.blend import Blend
from steelyard.decisions import FittedDecision
from steelyard.engine import FittedPipeline, TrainingFacts
from steelyard.errors import ArtifactError, SteelyardError
from steelyard.features import FittedEncoder, TableSchema
from steelyard.features.media import MediaFeatures
from steelyard.models import ModelState, model_from_saved, restore_model
from steelyard.strategy import Strategy


def load_model(path: str | Path, *, trusted: tuple[str, ...] = ()) -> TrainedModel:
    """Trained model from a model directory, or from a study's folder (its ``model/``).

    Nothing in it is executed: arrays are safetensors, the rest is JSON, and a foreign scikit-learn part is read
    by skops with a reviewed list of types.

    Parameters
    ----------
    path : path
        The directory.
    trusted : tuple of str
        Further types to trust, for estimators of your own.

    Returns
    -------
    TrainedModel

    Raises
    ------
    ArtifactError
        When the directory is missing, damaged, or holds a type that is not trusted.
    """
    folder = model_folder(Path(path))
    try:
        trained = _assemble(folder, read_manifest(folder), trusted)
        _try_out(trained)
    except ArtifactError:
        raise
    except SteelyardError as error:
        raise ArtifactError(f"{folder} cannot be read: {error}") from None
    except Exception as error:  # parts of a hostile model that do not fit each other can raise anything
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise ArtifactError(f"{folder} cannot be read: {what}") from None
    return trained


def _try_out(trained: TrainedModel) -> None:
    """Predict one row with nothing in it: a model whose parts do not fit each other fails here, not later."""
    import polars as pl

    proba = trained.predict_proba(pl.DataFrame({name: [None] for name in trained.schema.used}))
    if proba.shape != (1, len(trained.classes)):
        raise ValueError(f"{len(trained.classes)} classes for scores of {proba.shape[1]}")
    trained.decide(proba)


def model_folder(path: Path) -> Path:
    """The model directory that a path stands for: itself, or the ``model/`` in a study's folder."""
    if not path.is_dir():
        raise ArtifactError(f"{path} is not a folder; name a study's folder or its model/")
    return path if (path / MANIFEST).is_file() or not (path / "model").is_dir() else path / "model"


def _assemble(folder: Path, manifest: dict[str, Any], trusted: tuple[str, ...]) -> TrainedModel:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(folder / ARRAYS)
    except SafetensorError as error:
        raise ArtifactError(f"{folder / ARRAYS} is damaged: {error}") from None
    foreign = load_estimator(folder / ESTIMATOR, trusted) if ESTIMATOR in manifest["files"] else None
    pipeline: FittedPipeline | Blend
    model = strategy = None
    if "members" in manifest:
        restored = (restored_member(m, f"member{i}", arrays, foreign or {}) for i, m in enumerate(manifest["members"]))
        pipeline = Blend(tuple(restored), len(manifest["classes"]))
    else:
        model, strategy = model_from_saved(manifest["model"]), Strategy.from_dict(manifest["strategy"])
        own = _checkpoint(folder, manifest)
        state = ModelState(manifest["model_state"], _part(arrays, "model."), foreign, folder=own)
        encoder = FittedEncoder.from_state(manifest["encoder"], _part(arrays, "encoder."))
        pipeline = FittedPipeline(encoder, restore_model(model, state))
    return TrainedModel(
        classes=tuple(manifest["classes"]),
        schema=TableSchema.from_dict(manifest["schema"]),
        pipeline=pipeline,
        factors=ClassFactors.from_state(manifest["adjustment"]),
        decision=FittedDecision.from_state(manifest["decision"]),
        strategy=strategy,
        model=model,
        facts=TrainingFacts(
            np.array(manifest["training"]["counts"], dtype=np.int64),
            np.array(manifest["training"]["weights"], dtype=np.float64),
            _known(manifest["training"]),
        ),
        info=manifest["info"],
        # Models of tables that were written before there were collections do not say.
        media=None if manifest.get("media") is None else MediaFeatures.from_dict(manifest["media"]),
    )


def _checkpoint(folder: Path, manifest: dict[str, Any]) -> Path | None:
    """Folder of a tuned model's own files, if there is one.

    A file that the manifest does not list has no checksum, and the model's library would read it all the same.
    """
    listed = {name for name in manifest["files"] if name.startswith(f"{CHECKPOINT}/")}
    if not listed:
        return None
    extra = sorted({file.relative_to(folder).as_posix() for file in (folder / CHECKPOINT).rglob("*")} - listed)
    if extra:
        raise ArtifactError(f"{folder / extra[0]} is not listed in {MANIFEST}: it was put there later")
    return folder / CHECKPOINT


def _known(training: dict[str, Any]) -> NDArray[np.int64] | None:
    return np.array(training["known"], dtype=np.int64) if "known" in training else None


def _part(arrays: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}

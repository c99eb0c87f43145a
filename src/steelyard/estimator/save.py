"""Classifiers as model directories: JSON, safetensors, and skops only for foreign scikit-learn parts."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steelyard.artifact import TrainedModel, check_replaceable, load_model
from steelyard.artifact.foreign import load_estimator
from steelyard.artifact.load import model_folder
from steelyard.artifact.manifest import (
    ARRAYS,
    ESTIMATOR,
    FORMAT,
    FORMAT_VERSION,
    MANIFEST,
    checksum,
    file_entry,
    read_manifest,
)
from steelyard.artifact.members import member_state, restored_member
from steelyard.blend import ArmRecord, Blend, OutOfFold, class_factors
from steelyard.decisions import FittedDecision
from steelyard.errors import ArtifactError, SteelyardError, UsageError
from steelyard.features import TableSchema
from steelyard.files import replacing_folder
from steelyard.metrics import Metric

if TYPE_CHECKING:
    from steelyard.estimator.classifier import SteelyardClassifier

#: What the manifest of a classifier says it is; a single trained model's says nothing.
KIND = "classifier.v1"
_OOF = ("proba", "codes", "weight")


def save_classifier(clf: SteelyardClassifier, path: Path, *, force: bool = False) -> Path:
    """Write a fitted classifier as a model directory.

    Raises
    ------
    OutputExistsError
        When the directory is there and ``force`` is not given, or what is there is no model directory.
    UsageError
        When a class label or a parameter is of a kind that JSON cannot hold.
    """
    from safetensors.numpy import save_file

    check_replaceable(path)
    arrays: dict[str, NDArray[Any]] = {f"oof.{name}": getattr(clf.oof_, name) for name in _OOF}
    foreign: dict[str, Any] = {}
    members = [member_state(member, f"member{i}", arrays, foreign) for i, member in enumerate(clf.blend_.members)]
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "kind": KIND,
        "steelyard": importlib.metadata.version("steelyard"),
        "params": _params(clf),
        "classes": _labels(clf.classes_),
        "label_type": clf.classes_.dtype.str if clf.classes_.dtype != object else "object",
        "features": clf._names,
        "named": hasattr(clf, "feature_names_in_"),
        "schema": clf.schema_.to_dict(),
        "members": members,
        "tuning": clf.tuning_,
        "arms": [{**vars(arm), "weight": float(arm.weight)} for arm in clf.arms_],
        "counts": clf.class_counts_.tolist(),
        "metric": clf.metric_,
        "adjustment": clf.factors_.to_state(),
        "decision": clf.decision_.to_state(),
    }
    with replacing_folder(path, force=force) as folder:
        save_file({key: np.ascontiguousarray(value) for key, value in arrays.items()}, folder / ARRAYS)
        if foreign:
            import skops.io

            (folder / ESTIMATOR).write_bytes(skops.io.dumps(foreign))
        manifest["files"] = {file.name: file_entry(file) for file in sorted(folder.iterdir())}
        manifest["checksum"] = checksum(manifest)
        text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False)
        (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return path


def _params(clf: SteelyardClassifier) -> dict[str, Any]:
    """Parameters as JSON: what is no text or number by itself is kept as its text form."""
    kept: dict[str, Any] = {}
    for name, value in clf.get_params(deep=False).items():
        if isinstance(value, (list, tuple)):
            value = ", ".join(map(str, value))
        elif callable(value) and not isinstance(value, Metric):
            value = getattr(value, "__name__", "callable")
        elif isinstance(value, np.generic):
            value = value.item()
        kept[name] = value if value is None or isinstance(value, (str, int, float)) else str(value)
    return kept


def _labels(classes: NDArray[Any]) -> list[Any]:
    labels: list[Any] = classes.tolist()
    for label in labels:
        if not isinstance(label, (str, int, float, bool)):
            raise UsageError(f"class {label!r} is a {type(label).__name__}: only text and numbers can be saved")
    return labels


def load(path: str | Path, *, trusted: tuple[str, ...] = ()) -> TrainedModel | SteelyardClassifier:
    """Trained model or classifier from a model directory, or from a study's folder (its ``model/``).

    Nothing in it is executed: arrays are safetensors, the rest is JSON, and a foreign scikit-learn part is read by
    skops with a reviewed list of types.

    Parameters
    ----------
    path : path
        The directory.
    trusted : tuple of str
        Further types to trust, for estimators of your own.

    Returns
    -------
    TrainedModel or SteelyardClassifier
        As it was saved.

    Raises
    ------
    ArtifactError
        When the directory is missing, damaged, or holds a type that is not trusted.
    """
    folder = model_folder(Path(path))
    try:
        single = "kind" not in read_manifest(folder)
    except ArtifactError:
        raise
    except Exception:  # a manifest that is not even a manifest: the reader of single models says so
        single = True
    return load_model(folder, trusted=trusted) if single else load_classifier(folder, trusted)


def load_classifier(folder: Path, trusted: tuple[str, ...] = ()) -> SteelyardClassifier:
    """Fitted classifier from its model directory.

    Raises
    ------
    ArtifactError
        When it is damaged, or of a kind this release does not know.
    """
    try:
        manifest = read_manifest(folder)
        if manifest.get("kind") != KIND:
            raise ArtifactError(f"{folder} holds a {manifest.get('kind')!r}; this release reads {KIND}")
        clf = _assemble(folder, manifest, trusted)
        _try_out(clf)
    except ArtifactError:
        raise
    except SteelyardError as error:
        raise ArtifactError(f"{folder} cannot be read: {error}") from None
    except Exception as error:  # parts of a hostile model that do not fit each other can raise anything
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise ArtifactError(f"{folder} cannot be read: {what}") from None
    return clf


def _assemble(folder: Path, manifest: dict[str, Any], trusted: tuple[str, ...]) -> SteelyardClassifier:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    from steelyard.estimator.classifier import SteelyardClassifier

    try:
        arrays = load_file(folder / ARRAYS)
    except SafetensorError as error:
        raise ArtifactError(f"{folder / ARRAYS} is damaged: {error}") from None
    foreign = load_estimator(folder / ESTIMATOR, trusted) if ESTIMATOR in manifest["files"] else {}
    clf = SteelyardClassifier(**manifest["params"])
    kind = manifest["label_type"]
    clf.classes_ = np.array(manifest["classes"], dtype=object if kind == "object" else np.dtype(kind))
    clf._names = [str(name) for name in manifest["features"]]
    clf.n_features_in_ = len(clf._names)
    if manifest["named"]:
        clf.feature_names_in_ = np.array(clf._names, dtype=object)
    clf.schema_ = TableSchema.from_dict(manifest["schema"])
    members = tuple(
        restored_member(saved, f"member{i}", arrays, foreign) for i, saved in enumerate(manifest["members"])
    )
    clf.blend_ = Blend(members, len(clf.classes_))
    clf.oof_ = OutOfFold(*(arrays[f"oof.{name}"] for name in _OOF))
    clf.arms_ = [ArmRecord(**arm) for arm in manifest["arms"]]
    clf.tuning_ = manifest.get("tuning", [])  # models of the first releases have none
    clf.class_counts_ = np.array(manifest["counts"], dtype=np.int64)
    clf.metric_ = str(manifest["metric"])
    clf.factors_ = class_factors(manifest["adjustment"])
    clf._tuned_rules = {}
    clf.decision_ = FittedDecision.from_state(manifest["decision"])
    return clf


def _try_out(clf: SteelyardClassifier) -> None:
    """Predict one row with nothing in it: a model whose parts do not fit each other fails here, not later."""
    import polars as pl

    names = (*clf.schema_.numeric, *clf.schema_.categorical, *clf.schema_.text)
    proba = clf._proba(pl.DataFrame({name: [None] for name in names}))
    if proba.shape != (1, len(clf.classes_)) or clf.oof_.proba.shape != (len(clf.oof_.codes), len(clf.classes_)):
        raise ValueError(f"{len(clf.classes_)} classes for scores of {proba.shape[1]}")
    clf.decide(proba)

"""The manifest of a model directory: its names, its checksums, and how they are checked."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steelyard.errors import ArtifactError

MANIFEST = "steelyard.json"
ARRAYS = "arrays.safetensors"
ESTIMATOR = "estimator.skops"
#: Folder of a tuned Transformers model: its own files, as its library writes and reads them.
CHECKPOINT = "checkpoint"
#: What such files may be called: weights that hold no code, settings, vocabularies.
_IN_CHECKPOINT = re.compile(CHECKPOINT + r"/[A-Za-z0-9_][A-Za-z0-9_.\-]*\.(safetensors|json|txt|model|jinja)")
FORMAT = "steelyard-model"
FORMAT_VERSION = 1


def checksum(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of a manifest without its own checksum."""
    rest = {key: value for key, value in manifest.items() if key != "checksum"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def file_entry(path: Path) -> dict[str, Any]:
    """What the manifest says of a file."""
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def read_manifest(folder: Path) -> dict[str, Any]:
    """Manifest of a model directory, after every check that needs no other library.

    Raises
    ------
    ArtifactError
        When it is missing, damaged, of another version, or a file it lists is missing or changed.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ArtifactError(f"{folder} is no model directory: it has no {MANIFEST}")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ArtifactError(f"{path} is damaged: {error}") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ArtifactError(f"{path} is not the manifest of a Steelyard model")
    if manifest.get("format_version") != FORMAT_VERSION:
        raise ArtifactError(
            f"{path} has format version {manifest.get('format_version')!r}; this release reads {FORMAT_VERSION}"
        )
    if manifest.get("checksum") != checksum(manifest):
        raise ArtifactError(f"{path} was changed after it was written: its checksum does not match")
    for name, entry in manifest["files"].items():
        _check_file(folder, name, entry)
    return manifest


def _check_file(folder: Path, name: str, entry: Mapping[str, Any]) -> None:
    # Names come from a file that may be hostile: only those that are ever written are followed.
    if name not in (ARRAYS, ESTIMATOR) and not _IN_CHECKPOINT.fullmatch(name):
        raise ArtifactError(f"{folder / MANIFEST} lists {name!r}, which is no file of a model")
    path = folder / name
    if not path.is_file():
        raise ArtifactError(f"{path} is missing")
    if file_entry(path) != dict(entry):
        raise ArtifactError(f"{path} is damaged: its checksum does not match the manifest")

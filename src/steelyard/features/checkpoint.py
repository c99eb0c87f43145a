"""Folders of Transformers models: found on this machine, never downloaded, never unpickled."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steelyard.errors import DataError, UsageError

#: Files beside the weights that change what a model gives.
_SETTINGS = ("config.json", "preprocessor_config.json", "tokenizer.json", "vocab.txt")


@dataclass(frozen=True)
class EncoderFacts:
    """A frozen model whose embeddings stand in for descriptors or for counted words.

    Parameters
    ----------
    source : str
        Folder, or name in the user's Transformers cache.
    digest : str
        SHA-256 of its weights and its settings: features of other weights would mean something else.
    width : int
        Columns of an embedding.
    """

    source: str
    digest: str
    width: int


def find_checkpoint(source: str, asked: str) -> Path:
    """Folder of a model: a local one, or that of a name in the user's Hugging Face cache; nothing is downloaded.

    Parameters
    ----------
    source : str
        Folder with ``config.json`` and ``*.safetensors``, or a name such as ``google-bert/bert-base-uncased``.
    asked : str
        What the user wrote, for messages: ``"--encoder"`` or ``"hf"``.

    Raises
    ------
    UsageError
        When there is no such model, or its weights are pickled; the message says what to do.
    """
    folder = _folder(source, asked)
    if not (folder / "config.json").is_file():
        raise UsageError(f"{asked} {source}: the folder {folder} holds no config.json, so it is no Transformers model")
    if not any(folder.glob("*.safetensors")):
        raise UsageError(
            f"{asked} {source}: {folder} holds no *.safetensors, and pickled weights are never read: save it anew with "
            "save_pretrained where you trust it, or take one with safetensors"
        )
    return folder


def _folder(source: str, asked: str) -> Path:
    local = Path(source).expanduser()
    if local.is_dir():
        return local
    if source and not local.is_absolute() and source.count("/") <= 1:
        with suppress(Exception):
            from huggingface_hub import snapshot_download

            return Path(snapshot_download(source, local_files_only=True))
        raise UsageError(
            f"{asked} {source}: there is no such folder, and no model of that name in the Transformers cache; "
            f"get it where there is a network with 'hf download {source}', or copy its folder here and name that"
        )
    raise UsageError(f"{asked} {source}: there is no such folder; name the folder of a Transformers model")


def checkpoint_digest(folder: Path) -> str:
    """SHA-256 over the weights and settings of a model's folder."""
    total = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix == ".safetensors" or path.name in _SETTINGS:
            with path.open("rb") as file:
                total.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def frozen(model: Any) -> Any:
    """The model as it is used without training it: no dropout, no gradients, on a GPU where there is one."""
    import torch

    model.eval().requires_grad_(False)
    return model.to("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Without the progress bars and remarks that Transformers would print, terminal or not."""
    from transformers.utils import logging

    hub: Any = logging
    shown, level = hub.is_progress_bar_enabled(), hub.get_verbosity()
    hub.disable_progress_bar()
    hub.set_verbosity_error()
    try:
        yield
    finally:
        hub.set_verbosity(level)
        if shown:
            hub.enable_progress_bar()


def load_part(part: Any, folder: Path, said: str, **options: Any) -> Any:
    """A model, tokenizer or processor of a folder, by the ``Auto`` class given: local, safe, in one line of error.

    Raises
    ------
    DataError
        When it cannot be loaded.
    """
    try:
        with quiet_transformers():
            return part.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **options)
    except Exception as error:  # a damaged or foreign model can raise anything
        what = " ".join(str(error).split())[:200]
        raise DataError(f"{said} cannot be loaded: {what}") from None

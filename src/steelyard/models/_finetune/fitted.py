"""A tuned model: its probabilities, and its files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from steelyard.errors import ArtifactError, DataError
from steelyard.features.checkpoint import load_part, quiet_transformers
from steelyard.models._base import Array, ModelState, spread
from steelyard.models._finetune.inputs import Inputs
from steelyard.models._finetune.kinds import inputs_for

#: Examples that go through the model at once.
_BATCH = 32
#: Parameters from which on several threads are quicker than one.
_SHARED = 5_000_000


@contextmanager
def threads_for(model: Any) -> Iterator[None]:
    """One thread for a small model, whose steps are too short to be shared; as many as there are for others."""
    before = torch.get_num_threads()
    try:
        if sum(part.numel() for part in model.parameters()) < _SHARED:
            torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(before)


@dataclass
class FittedHf:
    """A tuned model over the classes that had training rows, or over all labels.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    inputs : Inputs
    present : ndarray of int64
        Classes, or labels, with training rows.
    n_classes : int
    multilabel : bool
    """

    model: Any
    inputs: Inputs
    present: NDArray[np.int64]
    n_classes: int
    multilabel: bool

    def predict_proba(self, X: Array) -> Array:
        """Probabilities (n_rows, n_classes); with several labels, each for itself."""
        if not len(X):
            return np.zeros((0, self.n_classes))
        logits = self._logits(X)
        if self.multilabel:
            small = np.exp(-np.abs(logits))
            proba = np.where(logits > 0, 1.0, small) / (1 + small)
            return spread(proba[:, self.present], self.present, self.n_classes)
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        return spread(e / e.sum(axis=1, keepdims=True), self.present, self.n_classes)

    def _logits(self, X: NDArray[Any]) -> NDArray[np.float64]:
        items = self.inputs.items(X)
        # Examples of like length together, so that little is padded.
        order = np.argsort(self.inputs.sizes(items), kind="stable")
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model.to(device).eval()
        found: list[Any] = [None] * len(items)
        with threads_for(self.model), torch.inference_mode():
            for start in range(0, len(order), _BATCH):
                some = order[start : start + _BATCH]
                batch = self.inputs.batch([items[place] for place in some])
                given = self.model(**{key: value.to(device) for key, value in batch.items()})
                logits = given["logits"].double().cpu().numpy()
                for place, one in zip(some, logits, strict=True):
                    found[place] = one
        made = self.inputs.by_row(X, found, items)
        if not np.isfinite(made).all():
            raise DataError("the tuned model gives no finite scores: its training went astray; lower learning_rate")
        return made

    def to_state(self) -> ModelState:
        """Plain data, and a writer of the model's own files."""
        meta = {
            "content": self.inputs.content,
            "n_classes": self.n_classes,
            "multilabel": self.multilabel,
            "max_length": self.inputs.max_length,
        }
        return ModelState(meta, {"present": self.present}, write=self._write)

    def _write(self, folder: Path) -> None:
        with quiet_transformers():
            self.model.save_pretrained(folder)
            self.inputs.save(folder)

    @classmethod
    def restore(cls, state: ModelState) -> FittedHf:
        """Model from its state, whose folder holds the files."""
        import transformers

        if state.folder is None:
            raise ArtifactError("the files of the tuned model are missing")
        kind = inputs_for(str(state.meta["content"]))
        said = f"the tuned model in {state.folder}"
        config = load_part(transformers.AutoConfig, state.folder, said)
        inputs = kind.load(state.folder, config, said, int(state.meta["max_length"]))
        model = load_part(
            getattr(transformers, kind.auto), state.folder, said, config=config, use_safetensors=True,
            dtype=torch.float32,
        )  # fmt: skip
        meta = state.meta
        return cls(model.eval(), inputs, state.arrays["present"], int(meta["n_classes"]), bool(meta["multilabel"]))

"""Fine-tuning: a Transformers model of a folder, trained on the user's texts, images or tagged tokens."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from steelyard.component import component
from steelyard.errors import MissingExtraError, UsageError
from steelyard.features.checkpoint import find_checkpoint
from steelyard.models._base import Encoding, FitTask, FittedModel, Model, ModelState


@component
class Hf(Model):
    """A pretrained Transformers model, fine-tuned with the loss, the weights and the draws of the strategy.

    Transformers' own ``Trainer`` does it.

    Texts are classified by ``AutoModelForSequenceClassification``, images by ``AutoModelForImageClassification``,
    tokens by ``AutoModelForTokenClassification``. A tenth of the training rows of each class is held out, as for
    ``mlp``; training stops when the weighted loss on them has not fallen for ``patience`` passes, and the best pass is
    kept. On a GPU it computes in bfloat16, or float16 where the card has none. Nothing is downloaded, no code of the
    folder is run, and pickled weights are not read.

    Parameters
    ----------
    path : str
        Folder of the model, or its name in the user's Hugging Face cache, as in ``google-bert/bert-base-uncased``.
    epochs : int, default 3
        Largest number of passes over the rows.
    batch : int, default 16
        Rows of a micro-batch.
    learning_rate : float, default 5e-5
        Of AdamW, after a warm-up over a tenth of the steps; it falls to 0 in a line.
    accumulation : int, default 1
        Micro-batches of a step; the gradient is that of one batch of all their rows.
    weight_decay : float, default 0.01
    patience : int, default 2
    max_length : int, default 256
        Word pieces after which a text is cut; longer sentences of tokens are read in parts.
    augment : bool, default True
        Whether images are cropped, mirrored and changed in colour at random.

    Raises
    ------
    UsageError
        When a parameter is outside its range, or no model is named.

    Examples
    --------
    >>> str(Hf("google-bert/bert-base-uncased", epochs=5))
    'hf(path=google-bert/bert-base-uncased, epochs=5)'
    """

    name = "hf"
    requires = ("transformers", "text")
    encoding: ClassVar[Encoding] = "raw"
    any_loss: ClassVar[bool] = True
    draws: ClassVar[bool] = True
    multilabel: ClassVar[bool] = True
    alone: ClassVar[bool] = True

    path: str = ""
    epochs: int = 3
    batch: int = 16
    learning_rate: float = 5e-5
    accumulation: int = 1
    weight_decay: float = 0.01
    patience: int = 2
    max_length: int = 256
    augment: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", str(self.path))
        if not self.path:
            raise UsageError("hf: name the folder of a Transformers model, or a name in the cache: hf(PATH_OR_NAME)")
        for key in ("epochs", "batch", "accumulation", "patience", "max_length"):
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise UsageError(f"hf: {key} must be a positive whole number, not {value!r}")
        for key in ("learning_rate", "weight_decay"):
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < np.inf:
                raise UsageError(f"hf: {key} must be a number of at least 0, not {value!r}")
        if not isinstance(self.augment, bool):
            raise UsageError(f"hf: augment must be true or false, not {self.augment!r}")

    def check(self, X: Any = None) -> None:
        """Refuse a model that is not there, or that cannot be trained on these rows."""
        needed()
        folder = find_checkpoint(self.path, "hf")
        if X is not None:
            from steelyard.models._finetune import check_rows

            check_rows(self, folder, X)

    def fit(self, task: FitTask) -> FittedModel:
        """Train on one task."""
        needed()
        from steelyard.models._finetune import finetune

        return finetune(self, find_checkpoint(self.path, "hf"), task)

    def restore(self, state: ModelState) -> FittedModel:
        """Fitted model from its state, whose folder holds the tuned model."""
        needed()
        from steelyard.models._finetune import restore

        return restore(state)


def needed() -> None:
    """Refuse to go on without the libraries of the extra ``text``."""
    from importlib.util import find_spec

    if not all(find_spec(library) for library in ("torch", "transformers", "accelerate")):
        raise MissingExtraError("text", "the model hf")

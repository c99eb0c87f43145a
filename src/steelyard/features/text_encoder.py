"""A frozen Transformers model that turns texts into embeddings, kept on disk by what the texts say."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError, MissingExtraError
from steelyard.features.checkpoint import (
    EncoderFacts,
    checkpoint_digest,
    find_checkpoint,
    frozen,
    load_part,
    quiet_transformers,
)
from steelyard.features.media.cache import Described, FeatureCache
from steelyard.features.media.fingerprint import SIZE

#: Texts that go through the model at once, and those after which the cache is written.
_BATCH, _KEEP_EVERY = 32, 1024
#: Word pieces that are looked at.
_LONGEST = 512
VERSION = 1


class TextEncoder:
    """Embeddings of texts by a frozen model, on a GPU where there is one.

    A text is the mean of the last hidden states of its word pieces; a CLIP-like model's own text features.
    """

    def __init__(self, model: Any, tokenizer: Any, longest: int, facts: EncoderFacts) -> None:
        self.model, self.tokenizer, self.longest, self.facts = model, tokenizer, longest, facts

    @classmethod
    def load(cls, source: str, expected: EncoderFacts | None = None) -> TextEncoder:
        """Model of a local folder, or of a name in the user's Transformers cache; nothing is downloaded.

        Parameters
        ----------
        source : str
            Folder with ``config.json``, ``*.safetensors`` and a tokenizer, or a name such as
            ``sentence-transformers/all-MiniLM-L6-v2``.
        expected : EncoderFacts, optional
            What a trained model says of it; other weights are refused.

        Raises
        ------
        UsageError
            When there is no such model; the message says how to get it.
        DataError
            When it takes no texts, or is not the one expected.
        MissingExtraError
            When torch or transformers is not installed.
        """
        encoder = _load(str(source))
        if expected is not None and encoder.facts.digest != expected.digest:
            raise DataError(f"{source} is not the text model that this was trained with: its weights differ")
        return encoder

    def embed(self, texts: Sequence[str], cache: FeatureCache | None = None) -> NDArray[np.float32]:
        """Embeddings of texts, shape (n_texts, width); a text that occurs twice goes through the model once.

        Parameters
        ----------
        texts : sequence of str
        cache : FeatureCache, optional
            An open cache; the user's by default.
        """
        if cache is None:
            with FeatureCache() as own:
                return self.embed(texts, own)
        key = f"embedding.v{VERSION} {self.facts.digest}"
        digests = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
        found = {digest: entry.values for digest, entry in cache.get(key, sorted(set(digests))).items()}
        found = {digest: values for digest, values in found.items() if values.size == self.facts.width}
        missing = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in found}
        order = sorted(missing, key=lambda digest: (len(missing[digest]), missing[digest]))
        for start in range(0, len(order), _KEEP_EVERY):
            some = order[start : start + _KEEP_EVERY]
            made = self._through([missing[digest] for digest in some])
            fresh = dict(zip(some, made, strict=True))
            found |= fresh
            cache.put(key, {digest: Described(values, bytes(SIZE)) for digest, values in fresh.items()})
        return np.array([found[digest] for digest in digests], dtype=np.float32).reshape(len(texts), -1)

    def _through(self, texts: list[str]) -> NDArray[np.float32]:
        import torch

        device = next(self.model.parameters()).device
        parts = []
        with torch.inference_mode(), quiet_transformers():
            for start in range(0, len(texts), _BATCH):
                # A model without marks of beginning and end has nothing to look at in an empty text.
                some = [text if text.strip() else "." for text in texts[start : start + _BATCH]]
                given = self.tokenizer(
                    some, padding=True, truncation=True, max_length=self.longest, return_tensors="pt"
                ).to(device)
                parts.append(_pool(self.model, given).float().cpu().numpy())
        return np.concatenate(parts)


@lru_cache(maxsize=1)
def _load(source: str) -> TextEncoder:
    try:
        import torch  # noqa: F401
        from transformers import AutoModel, AutoTokenizer
    except ModuleNotFoundError:
        raise MissingExtraError("text", "a text model (--encoder)") from None

    folder = find_checkpoint(source, "--encoder")
    said = f"--encoder {source}"
    model = load_part(AutoModel, folder, said, use_safetensors=True)
    tokenizer = load_part(AutoTokenizer, folder, f"the tokenizer of {said}")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if not hasattr(model, "get_text_features") and getattr(model.config, "is_encoder_decoder", False):
        model = model.get_encoder()
    model = frozen(model)
    config = getattr(model.config, "text_config", model.config)
    # RoBERTa's positions begin after its padding token; two are left out for all.
    positions = (getattr(config, "max_position_embeddings", None) or _LONGEST + 2) - 2
    longest = max(4, min(_LONGEST, int(tokenizer.model_max_length), int(positions)))
    encoder = TextEncoder(model, tokenizer, longest, EncoderFacts(source, checkpoint_digest(folder), 0))
    try:
        width = encoder._through(["a"]).shape[1]
    except Exception as error:  # a model that takes no texts fails in its own way
        what = " ".join(str(error).split())[:160]
        raise DataError(f"{said} is no text model: it cannot take a text ({what})") from None
    encoder.facts = EncoderFacts(source, encoder.facts.digest, width)
    return encoder


def _pool(model: Any, given: Any) -> Any:
    """One vector for each text: CLIP's own, else the mean over its word pieces."""
    if hasattr(model, "get_text_features"):
        found = model.get_text_features(**given)
        return found if hasattr(found, "shape") else found.pooler_output
    hidden = model(**given).last_hidden_state
    mask = given["attention_mask"].unsqueeze(-1).to(hidden.dtype)
    return (hidden * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)

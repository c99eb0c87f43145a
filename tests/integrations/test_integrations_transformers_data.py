"""Real sentences in a real ``Trainer``: the gradient does not depend on how a step is cut up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
transformers = pytest.importorskip("transformers")

from trainer_cases import VOCABULARY, Rows, first_gradient, off  # noqa: E402

import steelyard as sy  # noqa: E402
from steelyard.integrations.transformers import loss_function  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")
DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"


def tokenizer_of(texts: list[str]) -> Any:
    """Word pieces would need training; words that occur are enough here."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = sorted({word for text in texts for word in text.lower().split()})[: VOCABULARY - 2]
    tokenizer = Tokenizer(
        models.WordLevel({"[PAD]": 0, "[UNK]": 1, **{w: i + 2 for i, w in enumerate(words)}}, "[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]")


def test_goemotions(tmp_path: Path) -> None:
    source = DATA / "text_multilabel" / "goemotions"
    if not source.is_dir():
        pytest.skip("no goemotions here")
    names = (source / "labels.txt").read_text(encoding="utf-8").split()
    lines = [line.split("\t") for line in (source / "train.tsv").read_text(encoding="utf-8").splitlines()[:400]]
    texts = [text for text, _, _ in lines]
    Y = torch.zeros(len(lines), len(names))
    for row, (_, labels, _) in enumerate(lines):
        Y[row, [int(label) for label in labels.split(",")]] = 1
    ids = [row[:100] for row in tokenizer_of(texts)([text.lower() for text in texts])["input_ids"]]
    with pytest.warns(UserWarning, match="classes have no rows"):
        loss = loss_function("sqrt + focal(gamma=2)", sy.count_labels(Y.numpy()), id2label=names)
    sampler = sy.samplers.ClassBalancedSampler(Y.numpy().astype(int), rank=0, world_size=1)
    data = Rows(ids, list(Y))
    whole, cut = (first_gradient(tmp_path, "multi", data, loss, 16, micro, sampler, len(names)) for micro in (16, 4))
    assert off(cut, whole) < 1e-5


def test_wnut17(tmp_path: Path) -> None:
    source = DATA / "ner" / "wnut17" / "wnut17train.conll"
    if not source.is_file():
        pytest.skip("no wnut17 here")
    blocks = source.read_text(encoding="utf-8").split("\n\n")[:300]
    sentences = [[line.split("\t") for line in block.splitlines() if "\t" in line][:100] for block in blocks]
    sentences = [sentence for sentence in sentences if sentence]
    tags = sorted({tag for sentence in sentences for _, tag in sentence})
    tokenizer = tokenizer_of([" ".join(word for word, _ in sentence) for sentence in sentences])
    ids = [tokenizer.convert_tokens_to_ids([word.lower() for word, _ in sentence]) for sentence in sentences]
    labels = [torch.tensor([tags.index(tag) for _, tag in sentence]) for sentence in sentences]
    counts = sy.count_labels([[tag for _, tag in sentence] for sentence in sentences])
    loss = loss_function("inverse", counts, id2label=dict(enumerate(tags)))
    weights = sy.class_weights([[tag for _, tag in s] for s in sentences])
    sampler = sy.samplers.SequenceSampler([[tag for _, tag in s] for s in sentences], weights, rank=0, world_size=1)
    data = Rows(ids, labels)
    whole, cut = (first_gradient(tmp_path, "tokens", data, loss, 16, micro, sampler, len(tags)) for micro in (16, 4))
    assert off(cut, whole) < 1e-5

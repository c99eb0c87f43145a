"""Fine-tuning on tagged tokens: which piece stands for which word, and the whole way from a CoNLL file and back."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from finetune_cases import bert, tagged, transformers

from steelyard.cli.main import main
from steelyard.features.raw import Token
from steelyard.models._finetune.inputs import IGNORED
from steelyard.models._finetune.tokens import Sentences

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return bert(tmp_path_factory.mktemp("bert"))


def rows_of(*sentences):
    made = [Token(words, place) for words in sentences for place in range(len(words))]
    out = np.empty(len(made), dtype=object)
    out[:] = made
    return out


def sentences_for(folder, max_length=32):
    config = transformers.AutoConfig.from_pretrained(folder)
    return Sentences.load(folder, config, "hf x", max_length)


def test_the_first_piece_of_a_word_has_its_tag_and_others_have_none(folder):
    X = rows_of(("w1", "uply", "good"), ("\u200b", "uptown"))
    examples = sentences_for(folder).examples(X, np.arange(5), np.arange(5) + 0.5)
    # [CLS] w1 up ##ly good [SEP], and a word that has no piece or an unknown one before up ##town.
    assert examples.labels[0].tolist() == [IGNORED, 0, 1, IGNORED, 2, IGNORED]
    assert examples.weights[0].tolist() == [0, 0.5, 1.5, 0, 2.5, 0]
    assert 4 in examples.labels[1].tolist()
    assert examples.of_row.tolist() == [0, 0, 0, 1, 1]


def test_long_sentences_are_read_in_parts_and_no_word_is_lost(folder):
    words = tuple(f"w{n % 20}" if n % 3 else "uply" for n in range(40))
    inputs = sentences_for(folder, max_length=8)
    X = rows_of(words, ("good",))[:]
    items = inputs.items(X)
    assert all(len(item["input_ids"]) <= 8 for item in items)
    found = np.concatenate([item["rows"] for item in items])
    assert sorted(found[found >= 0].tolist()) == list(range(41))
    outputs = [np.tile(item["rows"][:, None].astype(float), (1, 2)) for item in items]
    assert inputs.by_row(X, outputs, items)[:, 1].tolist() == list(range(41))


def test_tags_are_learned_and_predicted(folder, tmp_path):
    data, new = tagged(tmp_path / "train.conll", 60), tagged(tmp_path / "new.conll", 10, seed=1)
    out = tmp_path / "model"
    model = f"hf('{folder}', epochs=6, batch=4, learning_rate=0.02)"
    arm = ["--model", model, "--strategy", "balanced + multipliers", "--folds", "2", "--jobs", "1"]
    assert main(["train", str(data), *arm, "--out", str(out)]) == 0
    assert main(["predict", str(out), str(new), "--output", str(tmp_path / "p.csv")]) == 0
    found = pl.read_csv(tmp_path / "p.csv")
    truth = [line.split("\t")[1] for line in new.read_text().splitlines() if line]
    assert (found["prediction"] == pl.Series(truth)).mean() > 0.8
    tuned = transformers.AutoModelForTokenClassification.from_pretrained(out / "checkpoint")
    assert tuned.config.num_labels == 4

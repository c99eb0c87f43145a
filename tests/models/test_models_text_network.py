"""A network over texts: against torch, scikit-learn and a hand calculation, and from end to end."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from steelyard.artifact import load_model
from steelyard.cli.main import main
from steelyard.errors import UsageError
from steelyard.losses import CrossEntropyLoss, FocalLoss
from steelyard.models import FitTask, parse_model
from steelyard.models import _text_mixture as mixture
from steelyard.models._text_layers import Batch, Masks, Steps, TextLayers
from steelyard.models._word_bags import LONGEST, Lexicon, Words, split_words, word_keys
from steelyard.models.text_network import TextNetwork
from steelyard.samplers import Balanced, Mixup

SMALL = TextNetwork(size=12, filters=8, epochs=8, learning_rate=0.02)
TEXTS = ["So good, so GOOD", "not at all good", "", "bad bad day"]


def texts_of(n=160, seed=0):
    rng = np.random.default_rng(seed)
    kinds = (["happy", "glad", "cheerful"], ["sad", "gloomy", "tearful"], ["angry", "furious", "mad"])
    codes = rng.choice(3, n, p=[0.6, 0.25, 0.15])
    filler = ["today", "the", "dog", "we", "walked", "home", "again", "it", "rained"]
    texts = [" ".join([*rng.choice(filler, 4), str(rng.choice(kinds[code])), *rng.choice(filler, 2)]) for code in codes]
    return texts, codes


def task_of(**options) -> FitTask:
    texts, codes = texts_of()
    rows = np.array(texts, dtype=object)
    return FitTask(rows, codes, np.ones(len(codes)), 4, CrossEntropyLoss(), np.zeros(1, dtype=bool), 5, **options)


def several_of() -> FitTask:
    task = task_of()
    codes = np.eye(4)[task.codes]
    codes[:, 3] = 0
    codes[::7, 1] = np.nan
    return replace(task, codes=codes, sample_weight=np.ones(codes.shape))


def layers_and_batch():
    words = Words.of(TEXTS)
    lexicon = Lexicon.learn(words)
    rng = np.random.default_rng(0)
    layers = TextLayers.initial(len(lexicon.keys), 5, 4, 3, rng.normal(size=2), rng)
    return layers, Batch.of(lexicon.bags(words), words.padded(np.arange(len(TEXTS)))), rng


def torch_scores(layers: TextLayers, batch: Batch, masks: Masks | None = None):
    """The same network written with ``conv1d``; its scores and its parameters."""
    torch = pytest.importorskip("torch")
    own = [torch.tensor(part, requires_grad=True) for part in (layers.table, *layers.parameters())]
    table, *filters, bias, last, last_bias = own
    bags = torch.tensor(batch.bags.toarray())
    kinds = torch.cat([bags @ table[torch.tensor(batch.used)], torch.zeros(1, table.shape[1])])
    vectors = kinds[torch.tensor(batch.places)].transpose(1, 2)
    if masks is not None:
        vectors = vectors * torch.tensor(masks.vectors).transpose(1, 2)
    answers = []
    n_each = filters[-1].shape[1]
    for group, width in enumerate(range(len(filters), 0, -1)):
        part = slice(group * n_each, (group + 1) * n_each)
        kernel = torch.stack([weight[:, part].T for weight in filters[:width]][::-1], dim=2)
        found = torch.nn.functional.conv1d(vectors, kernel, bias[part], padding=width - 1)
        # Every filter sees the places after the end, where only its bias is.
        answers.append(torch.maximum(found.amax(dim=2), bias[part]))
    hidden = torch.relu(torch.cat(answers, dim=1))
    if masks is not None:
        hidden = hidden * torch.tensor(masks.hidden)
    return hidden @ last + last_bias, own


def test_scores_and_gradients_are_those_of_torch():
    torch = pytest.importorskip("torch")
    layers, batch, rng = layers_and_batch()
    expected, _ = torch_scores(layers, batch)
    np.testing.assert_allclose(layers.scores(batch), expected.detach().numpy(), atol=1e-6)

    masks, target = Masks.draw(len(TEXTS), 5, 12, (0.3, 0.4), rng), rng.normal(size=(len(TEXTS), 2))
    table, rest = layers.gradient(batch, lambda scores: scores - target, masks)
    expected, own = torch_scores(layers, batch, masks)
    (0.5 * (expected - torch.tensor(target)) ** 2).sum().backward()
    np.testing.assert_allclose(table, own[0].grad.numpy()[batch.used], atol=1e-5)
    for found, parameter in zip(rest, own[1:], strict=True):
        np.testing.assert_allclose(found, parameter.grad.numpy(), atol=1e-5)


@pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")
def test_steps_are_those_of_torch():
    torch = pytest.importorskip("torch")
    layers, batch, rng = layers_and_batch()
    table = torch.tensor(layers.table.copy(), requires_grad=True)
    bias = torch.tensor(layers.bias.copy(), requires_grad=True)
    theirs = [torch.optim.SparseAdam([table], lr=0.01), torch.optim.Adam([bias], lr=0.01)]
    steps = Steps(layers, lambda step: 0.01)
    for number in range(4):
        used = batch.used[number::2]
        by_table = rng.normal(size=(len(used), 5)).astype(np.float32)
        rest = [rng.normal(size=part.shape).astype(np.float32) for part in layers.parameters()]
        steps.step(used, by_table, rest)
        table.grad = torch.sparse_coo_tensor(torch.tensor(used)[None], torch.tensor(by_table), table.shape)
        bias.grad = torch.tensor(rest[3])
        for optimiser in theirs:
            optimiser.step()
    np.testing.assert_allclose(layers.table, table.detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(layers.bias, bias.detach().numpy(), atol=1e-5)


def test_shares_without_a_pull_are_logistic_regression(monkeypatch):
    monkeypatch.setattr(mixture, "_PULL", 0.0)
    rng = np.random.default_rng(1)
    wide, deep = rng.normal(size=(2, 400, 2))
    y = (rng.random((400, 2)) < 1 / (1 + np.exp(-(0.8 * wide + 0.3 * deep - 0.5)))).astype(float)
    bound = CrossEntropyLoss().bind_multilabel(np.array([0.5, 0.5]))
    shares = mixture.fit_shares(wide, deep, lambda scores: bound(scores, y), np.ones((400, 1)))
    for label in range(2):
        model = LogisticRegression(C=1e9, tol=1e-8).fit(
            np.column_stack([wide, deep])[:, [label, 2 + label]], y[:, label]
        )
        np.testing.assert_allclose(shares[:, label], [*model.coef_[0], model.intercept_[0]], atol=2e-3)


def test_few_rows_leave_the_shares_near_one_half():
    wide, deep = np.array([[2.0], [-2.0]]), np.array([[0.1], [-0.1]])
    bound = CrossEntropyLoss().bind_multilabel(np.array([0.5]))
    shares = mixture.fit_shares(wide, deep, partial(_fixed, bound, np.array([[1.0], [0.0]])), np.ones((2, 1)))
    assert 0.5 < shares[0, 0] < 1
    assert shares[1, 0] == pytest.approx(0.5, abs=0.05)


def _fixed(bound, y, scores):
    return bound(scores, y)


def test_a_word_is_itself_its_letters_and_how_it_is_written():
    words = Words.of(TEXTS)
    assert [words.kinds[token] for token in words.tokens[: words.starts[1]]] == ["So", "good", ",", "so", "GOOD"]
    lexicon = Lexicon.learn(words)
    bags = lexicon.bags(words).toarray()
    known = {int(key) for key in lexicon.keys}
    row = {word: bags[words.kinds.index(word)] for word in words.kinds}
    place = {key: np.flatnonzero(lexicon.keys == key)[0] for key in known}
    # "good" is in two texts; "bad" stands twice, but in one.
    assert word_keys("good")[0][0] in known
    assert word_keys("bad")[0][0] not in known
    assert row["good"][place[word_keys("good")[0][0]]] == 1
    assert not np.array_equal(row["good"], row["GOOD"]) or word_keys("GOOD")[0][1] not in known
    assert len(split_words("a " * 1000)) == LONGEST


def test_unknown_words_and_no_words_at_all_are_texts_too():
    lexicon = Lexicon.learn(Words.of(TEXTS))
    unknown = Words.of(["zzzz qqqq", ""])
    assert lexicon.bags(unknown).shape == (2, len(lexicon.keys))
    assert unknown.padded(np.array([1, 0])).tolist() == [[-1, -1], [0, 1]]
    assert Lexicon.learn(Words.of(["", ""])).bags(Words.of([""])).shape == (0, 0)


@pytest.mark.parametrize("make", [task_of, several_of])
def test_texts_are_learned_and_the_same_seed_gives_the_same_model(make):
    task = make()
    fitted = SMALL.fit(task)
    fresh, codes = texts_of(seed=1)
    fresh = np.array([*fresh, ""], dtype=object)
    proba = fitted.predict_proba(fresh)
    assert (proba[:-1].argmax(axis=1) == codes).mean() > 0.95
    # Nothing is known of the last class, or label.
    assert not proba[:, 3].any()
    assert np.array_equal(proba, SMALL.fit(task).predict_proba(fresh))
    assert not np.array_equal(proba, SMALL.fit(replace(task, seed=6)).predict_proba(fresh))
    assert np.array_equal(proba, SMALL.restore(fitted.to_state()).predict_proba(fresh))
    longer = np.array([*fresh, "a much longer text " * 9], dtype=object)
    np.testing.assert_allclose(proba, fitted.predict_proba(longer)[:-1], atol=1e-6)
    if not task.multilabel:
        np.testing.assert_allclose(proba.sum(axis=1), 1)


def test_weights_losses_and_drawn_rows_reach_both_parts():
    task = replace(task_of(), X=np.array(["the dog"] * 160, dtype=object))
    plain = SMALL.fit(task).predict_proba(task.X)[0]
    np.testing.assert_allclose(plain[:3], np.bincount(task.codes) / 160, atol=0.08)
    heavy = SMALL.fit(replace(task, sample_weight=np.where(task.codes == 2, 5.0, 1.0)))
    drawn = SMALL.fit(replace(task, sampling=Balanced()))
    for fitted in (heavy, drawn):
        assert fitted.predict_proba(task.X)[0, 2] > plain[2] + 0.1
        assert fitted.wide.model.predict_proba(fitted.wide.tfidf.transform(_counts(task.X)))[0, 2] > plain[2] + 0.1
    assert not np.allclose(SMALL.fit(replace(task, loss=FocalLoss(gamma=3))).predict_proba(task.X)[0], plain, atol=1e-3)


def _counts(X):
    from steelyard.features.text import count_ngrams

    return count_ngrams(pl.Series(X.tolist()))


def test_what_it_cannot_read_and_wrong_parameters_are_refused():
    with pytest.raises(UsageError, match="mixup mixes rows of numbers"):
        SMALL.fit(task_of(sampling=Mixup()))
    with pytest.raises(UsageError, match="these rows are none"):
        SMALL.check(np.zeros((3, 2)))
    for text in ("size=0", "dropout=1", "C=0", "epochs=2.5"):
        with pytest.raises(UsageError, match="text_network: "):
            parse_model(f"text_network({text})")


def test_a_study_of_several_labels_is_saved_and_predicts_new_texts(tmp_path):
    texts, codes = texts_of(120)
    labels = [f"{'abc'[code]}|x" if row % 3 else "abc"[code] for row, code in enumerate(codes)]
    pl.DataFrame({"text": texts, "labels": labels}).write_csv(tmp_path / "t.csv")
    pl.DataFrame({"text": ["furious dog", "a happy day"]}).write_csv(tmp_path / "new.csv")
    out = str(tmp_path / "out")
    data = [str(tmp_path / "t.csv"), "--target", "labels", "--label-separator", "|", "--text", "text"]
    models = ["--models", "text_network(size=8, filters=8, learning_rate=0.02, epochs=6)", "--strategies", "pos_weight"]
    assert main(["study", *data, *models, "--folds", "2", "--out", out]) == 0
    arms = json.loads((tmp_path / "out" / "study.json").read_text())["arms"]
    assert {arm["model"].split("(")[0] for arm in arms} == {"text_network"}
    assert main(["predict", out, str(tmp_path / "new.csv"), "--output", str(tmp_path / "p.jsonl")]) == 0
    found = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert ["c" in found[0]["prediction"], "a" in found[1]["prediction"]] == [True, True]
    assert load_model(tmp_path / "out" / "model") is not None

"""The tagger: its gradients and steps against PyTorch, its sentences, and the way through a saved model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from steelyard.cli.main import main
from steelyard.engine import EngineData, FitPlan, Training, fit_many
from steelyard.errors import UsageError
from steelyard.features import TableSchema
from steelyard.features.raw import Token
from steelyard.losses import CrossEntropyLoss, FocalLoss
from steelyard.models import FitTask, Tagger
from steelyard.models._tagger_network import Steps, TaggerNetwork, Windows
from steelyard.models._token_ids import EDGE, UNKNOWN, Lexicon, Sentences
from steelyard.models.tagger import held_out_sentences, windows
from steelyard.samplers import Mixup, RepeatFactor
from steelyard.strategy import Strategy
from steelyard.study import make_arms

CITIES, VERBS = ("Ulm", "Bonn", "Kiel", "Trier", "Gera"), ("saw", "left", "likes", "visits")


def rows_of(*sentences):
    made = [Token(words, place) for words in sentences for place in range(len(words))]
    out = np.empty(len(made), dtype=object)
    out[:] = made
    return out


def cities(n=60, seed=0):
    """Sentences in which a capitalised word after a verb is a place (1), and the first word is none (0)."""
    rng = np.random.default_rng(seed)
    made = [("Anna", rng.choice(VERBS), *([rng.choice(CITIES)] if rng.random() < 0.4 else []), ".") for _ in range(n)]
    return [tuple(map(str, words)) for words in made]


def task_of(sentences, **changes):
    X = rows_of(*sentences)
    codes = np.array([int(token.words[token.place] in CITIES) for token in X])
    task = FitTask(X, codes, np.ones(len(X)), 2, CrossEntropyLoss(), np.zeros(0, dtype=bool), 5)
    return replace(task, **changes)


SMALL = Tagger(embedding=8, hidden=32, epochs=8, batch=8)


def network(n_features=9, size=4, window=3, hidden=5, n_classes=3):
    made = TaggerNetwork.initial(n_features, size, window, hidden, n_classes, np.random.default_rng(0))
    made.table = made.table.astype(np.float64) * 10
    made.weights = [w.astype(np.float64) for w in made.weights]
    made.biases = [b.astype(np.float64) for b in made.biases]
    return made


SEEN = Windows.of(
    np.array([0, 1, 4, 5, 7, 2, 4, 0]), np.array([0, 1, 4, 5, 7, 8]), np.array([[0, 1, 2], [1, 2, 3], [2, 3, 4]])
)


def torch_loss(net, codes, mask):
    import torch

    parts = [torch.tensor(part, requires_grad=True) for part in (net.table, *net.parameters())]
    table, w0, b0, w1, b1 = parts
    flat, starts = torch.tensor(SEEN.features[SEEN.held]), torch.tensor(SEEN.starts[:-1])
    tokens = torch.nn.functional.embedding_bag(flat, table, starts, mode="sum")
    hidden = torch.relu(tokens[torch.tensor(SEEN.near)].reshape(3, -1) @ w0 + b0) * torch.tensor(mask)
    logits = hidden @ w1 + b1
    return logits, torch.nn.functional.cross_entropy(logits, torch.tensor(codes), reduction="sum"), parts


def test_scores_and_gradients_are_those_of_pytorch():
    net, codes, mask = network(), np.array([2, 0, 1]), np.random.default_rng(1).random((3, 5)) * 2
    _, loss, parts = torch_loss(net, codes, mask)
    loss.backward()
    bound = CrossEntropyLoss().bind(np.ones(3) / 3)
    rows, table, layers = net.gradient(SEEN, lambda scores: bound(scores, codes)[1], mask)
    whole = np.zeros_like(net.table)
    whole[rows] = table
    assert rows.tolist() == [0, 1, 2, 4, 5, 7]
    for ours, part in zip((whole, *layers), parts, strict=True):
        np.testing.assert_allclose(ours, part.grad.numpy(), rtol=1e-10, atol=1e-12)
    plain = torch_loss(net, codes, np.ones((3, 5)))[0]
    np.testing.assert_allclose(net.scores(SEEN), plain.detach().numpy(), rtol=1e-10)


def test_steps_are_adagrads_for_vectors_and_adamws_for_layers():
    import torch

    net = network()
    parts = [torch.tensor(part.copy(), requires_grad=True) for part in (net.table, *net.parameters())]
    theirs = [torch.optim.Adagrad(parts[:1], lr=0.05), torch.optim.AdamW(parts[1:], lr=0.01, weight_decay=0.1)]
    steps, rng = Steps(net, 0.01, 0.1, 0.05), np.random.default_rng(2)
    for rows in ([0, 3], [3, 4, 8], [0, 8]):
        moved, layers = rng.normal(size=(len(rows), 4)), [rng.normal(size=part.shape) for part in net.parameters()]
        steps.step(np.array(rows), moved, layers)
        whole = np.zeros_like(net.table)
        whole[rows] = moved
        for part, gradient in zip(parts, (whole, *layers), strict=True):
            part.grad = torch.tensor(gradient)
        for optimiser in theirs:
            optimiser.step()
    for ours, part in zip((net.table, *net.parameters()), parts, strict=True):
        np.testing.assert_allclose(ours, part.detach().numpy(), rtol=1e-6, atol=1e-7)


def test_words_seen_before_have_numbers_and_others_only_their_shape_and_ends():
    lexicon = Lexicon.learn(("Ulm", "Ulmen", "saw"), np.array([1, 1, 1]))
    ids = lexicon.ids(("Ulm", "Ulmer", "xyz"))
    assert ids.own[0] > UNKNOWN
    assert ids.own[1:].tolist() == [UNKNOWN, UNKNOWN]
    shared = [set(ids.others[ids.ends[k] : ids.ends[k + 1]].tolist()) for k in range(3)]
    # Both begin with "ul" and "ulm" and look like "Xxx"; "xyz" has the length of two words, and that alone.
    assert len(shared[0] & shared[1]) >= 3
    assert len(shared[2]) == 1


def test_windows_end_with_their_sentence():
    sentences = Sentences.of(rows_of(("a", "b"), ("c",)))
    lexicon = Lexicon.learn(sentences.words, np.array([2, 2, 2]))
    ids = lexicon.ids(sentences.words)
    seen = windows(sentences, ids, np.array([1, 0]), 1)
    own = seen.features[seen.held[seen.starts[:-1]]]
    a, b, c = ids.own
    assert own[seen.near].tolist() == [[EDGE, c, EDGE], [EDGE, a, b], [a, b, EDGE]]


def test_it_learns_from_neighbours_and_knows_new_words_by_their_looks():
    fitted = SMALL.replace(epochs=30).fit(task_of(cities(150)))
    X = rows_of(("Anna", "saw", "Jena", "."), ("Jena", "saw", "."))
    assert fitted.predict_proba(X).argmax(axis=1).tolist() == [0, 0, 1, 0, 0, 0, 0]


def test_same_seed_same_model_and_its_state_gives_it_back():
    task = task_of(cities(), sampling=RepeatFactor(threshold=1.0))
    fitted, again = SMALL.fit(task), SMALL.fit(task)
    expected = fitted.predict_proba(task.X)
    assert np.array_equal(again.predict_proba(task.X), expected)
    assert np.array_equal(SMALL.restore(fitted.to_state()).predict_proba(task.X), expected)
    assert not np.array_equal(SMALL.fit(replace(task, seed=6)).predict_proba(task.X), expected)


def test_weights_raise_a_class_and_the_focal_loss_is_less_sure():
    task = task_of(cities())
    weights = np.where(task.codes == 1, 8.0, 0.5)
    plain, weighed, trained, focal = (
        SMALL.replace(epochs=n).fit(each).predict_proba(task.X)[task.codes == 1, 1].mean()
        for n, each in (
            (3, task),
            (3, replace(task, sample_weight=weights)),
            (20, task),
            (20, replace(task, loss=FocalLoss(gamma=2.0))),
        )
    )
    assert weighed > plain + 0.02
    # What is right already moves it less, so it stays less sure.
    assert focal < trained - 0.005


def test_tokens_without_a_tag_are_context_and_nothing_else():
    task = task_of(cities())
    known = np.array([token.words[token.place] not in VERBS for token in task.X])
    part = replace(task, X=task.X[known], codes=task.codes[known], sample_weight=task.sample_weight[known])
    fitted = SMALL.replace(epochs=30).fit(part)
    X = rows_of(("Anna", "saw", "Jena", "."), ("Jena", "saw", "."))
    # That a place comes after a verb can be seen from the verbs alone, which have no tag.
    found = fitted.predict_proba(X)
    assert found.argmax(axis=1)[[0, 2, 4]].tolist() == [0, 1, 0]
    np.testing.assert_allclose(fitted.predict_proba(X[[0, 2]]), found[[0, 2]], rtol=1e-6)


def test_whole_sentences_are_held_out_a_tenth_of_each_rarest_tag():
    # Each sentence has a tuple of its own, as in a table, though many are equal.
    sentences = [tuple(text.split()) for text in ["Anna saw Ulm"] * 30 + ["Anna left"] * 60]
    task = task_of(sentences)
    held = held_out_sentences(task.codes, Sentences.of(task.X), np.random.default_rng(0))
    assert (held[:30].sum(), held[30:].sum()) == (3, 6)


def test_what_cannot_be_is_refused():
    task = task_of(cities(10))
    with pytest.raises(UsageError, match="tokens of sentences"):
        SMALL.fit(replace(task, X=np.zeros((3, 2))))
    with pytest.raises(UsageError, match="mixup mixes rows"):
        SMALL.fit(replace(task, sampling=Mixup()))
    for wrong in ({"window": -1}, {"hidden": 0}, {"dropout": 1.0}, {"word_dropout": -1}, {"learning_rate": 0}):
        with pytest.raises(UsageError, match=f"tagger: {next(iter(wrong))}"):
            Tagger(**wrong)


def write(path, sentences):
    tag = dict.fromkeys(CITIES, "B-LOC")
    lines = ["\n".join(f"{word}\t{tag.get(word, 'O')}" for word in words) for words in sentences]
    path.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_trained_tagger_is_saved_without_code_and_tags_new_sentences(tmp_path):
    data = write(tmp_path / "train.conll", cities(150))
    arm = ["--model", "tagger(embedding=8, hidden=32, epochs=30, batch=8)", "--strategy", "sqrt"]
    assert main(["train", str(data), *arm, "--out", str(tmp_path / "out"), "--folds", "2", "--jobs", "2"]) == 0
    (tmp_path / "new.txt").write_text("Anna visits Jena.\n", encoding="utf-8")
    assert main(["predict", str(tmp_path / "out"), str(tmp_path / "new.txt"), "--output", str(tmp_path / "p.csv")]) == 0
    assert pl.read_csv(tmp_path / "p.csv")["prediction"].to_list() == ["O", "O", "B-LOC", "O"]
    kinds = {path.suffix for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert kinds == {".json", ".safetensors"}


@pytest.mark.parametrize("strategy", ["mixup", "ldam", "smote"])
def test_what_needs_other_rows_or_another_layer_is_left_out_of_a_study(strategy):
    with pytest.raises(UsageError, match="no model can train what was asked for"):
        make_arms([Strategy.parse(strategy)], [SMALL])


def test_one_by_one_it_stays_in_this_process():
    """Under a time limit fits are handed to processes, but sentences are not."""
    rows = cities(40)
    frame = pl.DataFrame(
        {"token": [w for words in rows for w in words], "sentence": np.repeat(np.arange(40), [len(w) for w in rows])}
    )
    schema = TableSchema.infer(frame, roles={"token": "word", "sentence": "sentence"})
    codes = frame["token"].is_in(CITIES).to_numpy().astype(np.int64)
    folds = (frame["sentence"].to_numpy() % 2)[None].astype(np.int64)
    data = EngineData(schema.extract(frame), schema, codes, ("O", "B-LOC"), folds, 0)
    plans = [FitPlan(Training(SMALL, Strategy()), 0, fold) for fold in (0, 1)]
    one, two = (
        sorted(fit_many(plans, data, n_jobs=jobs, stop=stop), key=lambda outcome: outcome.plan.fold)
        for jobs, stop in ((2, lambda: False), (2, None))
    )
    for ours, theirs in zip(one, two, strict=True):
        assert np.array_equal(ours.proba, theirs.proba)

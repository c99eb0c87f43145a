"""A tagger: learned vectors of words, shapes and affixes over a window of words, and one hidden layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.features.raw import Token
from steelyard.models._base import Array, Encoding, FitTask, Model, ModelState, spread
from steelyard.models._engines import Samples
from steelyard.models._network import Floats
from steelyard.models._network_fit import Labels
from steelyard.models._tagger_network import Steps, TaggerNetwork, Windows
from steelyard.models._token_ids import EDGE, UNKNOWN, Ids, Lexicon, Sentences, WordIds
from steelyard.models._training import Schedule, Split, passes, run_passes
from steelyard.searched import Choices, Range, declared

#: Tokens that are scored at once.
_PORTION = 4096
#: One sentence in so many is watched.
_WATCHED = 10
#: Passes that the mean of networks goes back over, about.
_AVERAGED = 5


@component
class Tagger(Model):
    """Tags each token of a sentence by itself and its neighbours: vectors of their features, and one hidden layer.

    A word's vector is the sum of those of the word, its shape, its beginnings and its endings; all are learned. The
    vectors of ``window`` words on each side stand side by side. In training a word seen n times is taken for an
    unknown one with probability ``word_dropout / (word_dropout + n)``, so that the vector of unknown words is learned
    too (Kiperwasser and Goldberg 2016, section 4).

    It learns from whole sentences, in the order that the sampling draws them. One sentence in ten is held out, from
    the training sentences only. What is judged on them, and kept after the pass with the lowest weighted loss, is the
    mean of the networks of the last passes, because single ones differ by chance. Tokens without a tag are seen by
    their neighbours, and are neither trained on nor scored.

    Parameters
    ----------
    window : int, default 2
        Words that are seen on each side.
    embedding : int, default 64
        Numbers in a vector.
    hidden : int, default 128
        Units of the hidden layer.
    dropout : float, default 0.3
        Share of hidden units that are dropped at each step, from 0 to below 1.
    word_dropout : float, default 0.5
        At least 0.
    learning_rate : float, default 0.002
        Of AdamW, for the layers; the vectors are moved by Adagrad, at 25 times this rate.
    weight_decay : float, default 0.01
        Of the layers.
    batch : int, default 16
        Sentences of a step.
    epochs : int, default 40
        Largest number of passes over the sentences.
    patience : int, default 5
        Passes without a lower held-out loss after which training stops.

    Raises
    ------
    UsageError
        When a parameter is outside its range.

    Examples
    --------
    >>> str(Tagger(window=3, hidden=64))
    'tagger(window=3, hidden=64)'
    """

    name = "tagger"
    ranges = declared(
        window=Choices((1, 2, 3)),
        embedding=Choices((32, 64, 128)),
        hidden=Choices((64, 128, 256)),
        dropout=Range(0, 0.6),
        word_dropout=Range(0, 2),
        learning_rate=Range(5e-4, 0.01, "log"),
    )
    encoding: ClassVar[Encoding] = "raw"
    any_loss: ClassVar[bool] = True
    draws: ClassVar[bool] = True
    mixes: ClassVar[bool] = False
    threads: ClassVar[bool] = True

    window: int = 2
    embedding: int = 64
    hidden: int = 128
    dropout: float = 0.3
    word_dropout: float = 0.5
    learning_rate: float = 0.002
    weight_decay: float = 0.01
    batch: int = 16
    epochs: int = 40
    patience: int = 5

    def __post_init__(self) -> None:
        for key, least in (
            ("window", 0),
            *((key, 1) for key in ("embedding", "hidden", "batch", "epochs", "patience")),
        ):
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise UsageError(f"tagger: {key} must be a whole number of at least {least}, not {value!r}")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"tagger: dropout must be from 0 to below 1, not {self.dropout}")
        for key in ("word_dropout", "weight_decay"):
            if not 0 <= getattr(self, key) < np.inf:
                raise UsageError(f"tagger: {key} must be a number of at least 0, not {getattr(self, key)}")
        if not 0 < self.learning_rate < np.inf:
            raise UsageError(f"tagger: learning_rate must be above 0, not {self.learning_rate}")

    def check(self, X: Any = None) -> None:
        """Refuse rows that are no tokens of sentences."""
        if X is not None:
            _check_tokens(X)

    def fit(self, task: FitTask) -> FittedTagger:
        """Train on one task."""
        _check_tokens(task.X)
        if task.sampling.mixing:
            raise UsageError(f"tagger: {task.sampling.name} mixes rows, and a token is no tag without its sentence")
        labels, sentences = Labels.of(task), Sentences.of(task.X)
        rng = np.random.default_rng(task.seed)
        samples = Samples(np.empty((len(task.X), 0), np.float32), labels.targets, labels.n_outputs, False)
        split = _split(task, samples, sentences, rng)
        lexicon = Lexicon.learn(sentences.words, np.bincount(sentences.tokens, minlength=len(sentences.words)))
        network = TaggerNetwork.initial(
            lexicon.size, self.embedding, 2 * self.window + 1, self.hidden, labels.n_outputs, rng
        )
        training = _Training(self, task, samples, sentences, lexicon.ids(sentences.words), network, split)
        asking = passes(training.mean.copy, task, samples, split, Schedule(self.epochs, self.patience), rng)
        best = run_passes(
            asking,
            lambda asked: training.learn(asked.order, asked.weight, rng),
            lambda asked: training.watch(asked.judged),
            split,
        )
        return FittedTagger(best, lexicon, labels.present, task.n_classes, self.window)

    def restore(self, state: ModelState) -> FittedTagger:
        """Fitted model from its state."""
        arrays, meta = state.arrays, state.meta
        network = TaggerNetwork(
            arrays["table"], [arrays["weight0"], arrays["weight1"]], [arrays["bias0"], arrays["bias1"]]
        )
        lexicon = Lexicon(arrays["keys"])
        return FittedTagger(network, lexicon, arrays["present"], int(meta["n_classes"]), int(meta["window"]))


class _Training:
    """Steps over batches of sentences."""

    def __init__(
        self,
        spec: Tagger,
        task: FitTask,
        samples: Samples,
        sentences: Sentences,
        ids: WordIds,
        network: TaggerNetwork,
        split: Split,
    ) -> None:
        self.spec, self.sentences, self.ids, self.network, self.split = spec, sentences, ids, network, split
        self.codes = samples.targets[:, 0].astype(np.int64)
        self.bound = task.loss.bind(split.priors(samples))
        self.mean, self.passes = network.copy(), 0
        self.steps = Steps(network, spec.learning_rate, spec.weight_decay, 25 * spec.learning_rate)
        counts = np.bincount(sentences.tokens, minlength=len(sentences.words))
        self.dropped = spec.word_dropout / (spec.word_dropout + counts) if spec.word_dropout else np.zeros(len(counts))

    def learn(self, order: Ids, weight: Floats, rng: np.random.Generator) -> None:
        """One pass over sentences in this order."""
        spec = self.spec
        for start in range(0, len(order), spec.batch):
            chosen = order[start : start + spec.batch]
            rows = np.concatenate([self.sentences.rows[number] for number in chosen])
            seen = windows(self.sentences, self.ids, chosen, spec.window, self._dropped(rng))
            mask = None
            if spec.dropout:
                kept = rng.random((len(rows), spec.hidden), dtype=np.float32) >= spec.dropout
                mask = kept * np.float32(1 / (1 - spec.dropout))
            self.steps.step(*self.network.gradient(seen, partial(self._slope, rows=rows, weight=weight), mask))
        self.passes += 1
        self.mean.moved_towards(self.network, 1 / min(self.passes, _AVERAGED))

    def _dropped(self, rng: np.random.Generator) -> Any:
        def drop(words: Ids, own: Ids) -> Ids:
            return np.where(rng.random(len(words)) < np.where(words < 0, 0, self.dropped[words]), UNKNOWN, own)

        return drop

    def _slope(self, scores: Array, rows: Ids, weight: Floats) -> Array:
        return self.bound(scores, self.codes[rows])[1] * weight[rows] / len(rows)

    def watch(self, weight: Floats) -> tuple[float, Floats]:
        """Weighted loss of the watched rows, and their scores."""
        rows = self.split.watch
        scores = scored(self.mean, self.sentences, self.ids, self.spec.window, np.unique(self.sentences.sentence[rows]))
        loss, _ = self.bound(scores[rows].astype(np.float64), self.codes[rows])
        return float((loss * weight[rows, 0]).sum()), scores[rows]


def _split(task: FitTask, samples: Samples, sentences: Sentences, rng: np.random.Generator) -> Split:
    codes = samples.targets[:, 0].astype(np.int64)
    held = held_out_sentences(codes, sentences, rng)[sentences.sentence]
    rates = task.sampling.sequence_rates(codes, sentences.sentence, samples.n_classes)[sentences.sentence]
    weight = np.ascontiguousarray(task.sample_weight.reshape(-1, 1), dtype=np.float32)
    return Split(
        np.flatnonzero(~held), np.flatnonzero(held), weight, rates.astype(np.float32)[:, None], sentences.sentence
    )


def held_out_sentences(codes: Ids, sentences: Sentences, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Sentences for early stopping: a tenth of those whose rarest tag is the same; none of fewer than ten."""
    counts = np.bincount(codes)
    n_sentences = len(sentences.starts) - 1
    rarest = np.full(n_sentences, len(codes) + 1)
    np.minimum.at(rarest, sentences.sentence, counts[codes])
    held = np.zeros(n_sentences, dtype=bool)
    for count in np.unique(rarest[rarest <= len(codes)]):
        alike = np.flatnonzero(rarest == count)
        held[rng.permutation(alike)[: len(alike) // _WATCHED]] = True
    return held


def windows(sentences: Sentences, ids: WordIds, chosen: Ids, window: int, change: Any = None) -> Windows:
    """Windows of the rows in some sentences, one sentence after the other."""
    parts, near, at = [np.full(window, -1)], [], window
    for number in chosen.tolist():
        first, end = sentences.starts[number], sentences.starts[number + 1]
        parts += [sentences.tokens[first:end], np.full(window, -1)]
        near.append(sentences.place[sentences.rows[number]] - first + at)
        at += end - first + window
    words = np.concatenate(parts)
    own = np.where(words < 0, EDGE, ids.own[words])
    if change is not None:
        own = change(words, own)
    features, starts = ids.bags(words, own)
    centre = np.concatenate(near)
    return Windows.of(features, starts, centre[:, None] + np.arange(-window, window + 1))


def scored(network: TaggerNetwork, sentences: Sentences, ids: WordIds, window: int, chosen: Ids) -> Floats:
    """Scores (n_rows, n_outputs); those of rows in sentences that are not chosen are 0."""
    scores = np.zeros((len(sentences.place), len(network.biases[-1])), dtype=np.float32)
    for part in _portions(sentences, chosen):
        rows = np.concatenate([sentences.rows[number] for number in part.tolist()])
        if len(rows):
            scores[rows] = network.scores(windows(sentences, ids, part, window))
    return scores


def _portions(sentences: Sentences, chosen: Ids) -> Iterator[Ids]:
    tokens = np.cumsum(np.diff(sentences.starts)[chosen])
    yield from (part for part in np.split(chosen, np.flatnonzero(np.diff(tokens // _PORTION)) + 1) if len(part))


def _check_tokens(X: Any) -> None:
    if not (X.dtype == object and len(X) and isinstance(X[0], Token)):
        raise UsageError("tagger: it reads the tokens of sentences, as a CoNLL file has them, and these rows are none")


@dataclass(frozen=True)
class FittedTagger:
    """A trained tagger over the tags that had training rows."""

    network: TaggerNetwork
    lexicon: Lexicon
    present: NDArray[np.int64]
    n_classes: int
    window: int

    def predict_proba(self, X: Array) -> Array:
        """Probabilities (n_rows, n_classes) of tokens."""
        _check_tokens(X)
        sentences = Sentences.of(X)
        ids = self.lexicon.ids(sentences.words)
        logits = scored(self.network, sentences, ids, self.window, np.arange(len(sentences.starts) - 1))
        e = np.exp((logits - logits.max(axis=1, keepdims=True)).astype(np.float64))
        return spread(e / e.sum(axis=1, keepdims=True), self.present, self.n_classes)

    def to_state(self) -> ModelState:
        """Arrays from which the model is made again."""
        network = self.network
        arrays: dict[str, NDArray[Any]] = {"table": network.table, "keys": self.lexicon.keys, "present": self.present}
        for layer, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
            arrays |= {f"weight{layer}": weight, f"bias{layer}": bias}
        return ModelState({"n_classes": self.n_classes, "window": self.window}, arrays)

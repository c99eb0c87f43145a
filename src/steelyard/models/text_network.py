"""A network over words beside a linear model over n-grams, mixed label by label."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.features.text import BLOCKS, TfIdf, count_ngrams
from steelyard.models._base import Array, Encoding, FitTask, Model, ModelState, spread
from steelyard.models._engines import Samples
from steelyard.models._network import Floats
from steelyard.models._network_fit import Labels
from steelyard.models._text_layers import Batch, Ids, Masks, Steps, TextLayers
from steelyard.models._text_mixture import Wide, even_shares, fit_shares
from steelyard.models._training import Schedule, Split, passes, run_passes
from steelyard.models._word_bags import Lexicon, Words
from steelyard.models.linear import FittedLinear, Linear
from steelyard.samplers import Shuffled
from steelyard.searched import Choices, Range, declared

#: Steps that a pass over few rows has, and the most rows of a step.
_STEPS, _MOST = 200, 128
#: Batches among which texts of like length are put together, and texts that are scored at once.
_NEAR, _PORTION = 50, 512
#: Steps until the rate of learning is whole, and the share of it at the end.
_WARM, _END = 200, 0.02


@component
class TextNetwork(Model):
    """Logistic regression over n-grams and a convolutional network over words, mixed; nothing is downloaded.

    The linear model is that of ``linear``, on the same counts. In the network a word's vector is that of the word plus
    the mean of those of its runs of three to five letters (Bojanowski et al. 2017); filters look at one to ``width``
    words in a row, and the largest answer of each counts (Kim 2014). All labels share vectors and filters, which helps
    the rare ones.

    A tenth of the training rows of each class is held out, as for ``mlp``; the pass with the lowest weighted loss on
    them is kept. On these rows is also fitted how much of each of the two a label gets, with a light pull towards one
    half; after that the linear model is trained on all rows.

    Parameters
    ----------
    size : int, default 96
        Numbers in a vector.
    filters : int, default 96
        Filters of each width.
    width : int, default 3
        Words that the widest filters see.
    dropout : float, default 0.4
        Share of the filters' answers that are dropped at each step, from 0 to below 1.
    vector_dropout : float, default 0.2
        Share of the numbers of all vectors of a text that are.
    learning_rate : float, default 0.004
        Of Adam, after 200 steps; it falls to nearly 0 in a line.
    C : float, default 1
        Of the linear model.
    epochs : int, default 5
        Largest number of passes over the rows.
    patience : int, default 2
        Passes without a lower held-out loss after which training stops.

    Raises
    ------
    UsageError
        When a parameter is outside its range.

    Examples
    --------
    >>> str(TextNetwork(size=64, epochs=8))
    'text_network(size=64, epochs=8)'
    """

    name = "text_network"
    ranges = declared(
        size=Choices((64, 96, 128)),
        filters=Choices((64, 96, 128)),
        dropout=Range(0.2, 0.6),
        learning_rate=Range(1e-3, 0.01, "log"),
        C=Range(0.03, 30, "log"),
    )
    encoding: ClassVar[Encoding] = "raw"
    any_loss: ClassVar[bool] = True
    draws: ClassVar[bool] = True
    multilabel: ClassVar[bool] = True
    threads: ClassVar[bool] = True
    mixes: ClassVar[bool] = False

    size: int = 96
    filters: int = 96
    width: int = 3
    dropout: float = 0.4
    vector_dropout: float = 0.2
    learning_rate: float = 0.004
    C: float = 1.0
    epochs: int = 5
    patience: int = 2

    def __post_init__(self) -> None:
        for key in ("size", "filters", "width", "epochs", "patience"):
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise UsageError(f"text_network: {key} must be a positive whole number, not {value!r}")
        for key in ("dropout", "vector_dropout"):
            if not 0 <= getattr(self, key) < 1:
                raise UsageError(f"text_network: {key} must be from 0 to below 1, not {getattr(self, key)}")
        for key in ("learning_rate", "C"):
            if not 0 < getattr(self, key) < np.inf:
                raise UsageError(f"text_network: {key} must be above 0, not {getattr(self, key)}")

    def check(self, X: Any = None) -> None:
        """Refuse rows that are no texts."""
        if X is not None:
            _texts(X)

    def fit(self, task: FitTask) -> FittedTextNetwork:
        """Train on one task."""
        texts = _texts(task.X)
        if task.sampling.mixing:
            raise UsageError(f"text_network: {task.sampling.name} mixes rows of numbers, and these are texts")
        rng, labels = np.random.default_rng(task.seed), Labels.of(task)
        samples = Samples(np.empty((len(texts), 0), np.float32), labels.targets, labels.n_outputs, task.multilabel)
        split = Split.of(task, samples, rng)
        words = Words.of(texts)
        lexicon = Lexicon.learn(words)
        sizes = (len(lexicon.keys), self.size, self.filters, self.width)
        layers = TextLayers.initial(*sizes, _start(split.priors(samples), task.multilabel), rng)
        training = _Training(self, task, samples, split, (words, lexicon.bags(words)), layers)
        asking = passes(layers.copy, task, samples, split, Schedule(self.epochs, self.patience), rng)
        best = run_passes(
            asking,
            lambda asked: training.learn(asked.order, asked.weight, rng),
            lambda asked: training.watch(asked.judged),
            split,
        )
        wide, watched = self._wide(texts, task, split, labels)
        shares = even_shares(labels.n_outputs)
        if len(split.watch):
            deep = scored(best, words, training.bags, split.watch)
            shares = fit_shares(
                watched, deep, partial(training.loss, rows=split.watch), (split.weight * split.rates)[split.watch]
            )
        return FittedTextNetwork(wide, lexicon, best, shares, labels.present, task.n_classes, task.multilabel)

    def _wide(self, texts: list[str], task: FitTask, split: Split, labels: Labels) -> tuple[Wide, Floats]:
        """Linear model of all rows, and the scores of the watched ones by a model of the others."""
        import polars as pl

        blocks = count_ngrams(pl.Series(texts, dtype=pl.String))
        weight = task.sample_weight * (split.rates if task.multilabel else split.rates[:, 0])
        plain = replace(task, sample_weight=weight, sampling=Shuffled(), deferred=0.0, following=None)

        def fitted(rows: Ids) -> Wide:
            tfidf = TfIdf.learn([counts[rows] for counts in blocks])
            X: Any = tfidf.transform([counts[rows] for counts in blocks])
            part = replace(plain, X=X, codes=task.codes[rows], sample_weight=weight[rows])
            return Wide(tfidf, Linear(C=self.C).fit_many([part])[0], labels.present, task.multilabel)

        every = fitted(np.arange(len(texts)))
        if not len(split.watch):
            return every, np.empty((0, labels.n_outputs), dtype=np.float32)
        return every, fitted(split.train).scores([counts[split.watch] for counts in blocks])

    def restore(self, state: ModelState) -> FittedTextNetwork:
        """Fitted model from its state."""
        arrays, meta = state.arrays, state.meta
        several, n_classes = bool(meta["multilabel"]), int(meta["n_classes"])
        linear = FittedLinear(arrays["coef"], arrays["intercept"], arrays["linear"], n_classes, several)
        wide = Wide(TfIdf.from_arrays(arrays, len(BLOCKS)), linear, arrays["present"], several)
        filters = [arrays[f"filters{j}"] for j in range(int(meta["width"]))]
        rest = (arrays[name] for name in ("bias", "last", "last_bias"))
        layers = TextLayers(arrays["table"], filters, *rest)
        lexicon = Lexicon(arrays["keys"])
        return FittedTextNetwork(wide, lexicon, layers, arrays["shares"], arrays["present"], n_classes, several)


class _Training:
    """Steps over batches of texts."""

    def __init__(
        self, spec: TextNetwork, task: FitTask, samples: Samples, split: Split, texts: tuple[Words, Any],
        layers: TextLayers,
    ) -> None:  # fmt: skip
        self.spec, self.samples, self.split, self.layers = spec, samples, split, layers
        self.words, self.bags = texts
        priors = split.priors(samples)
        self.bound: Any = task.loss.bind_multilabel(priors) if samples.several else task.loss.bind(priors)
        self.batch = int(np.clip(len(split.train) // _STEPS, 8, _MOST))
        n_steps = spec.epochs * max(1, -(-len(split.train) // self.batch))

        def rate(step: int) -> float:
            return spec.learning_rate * min(1.0, (step + 1) / _WARM) * max(_END, 1 - step / n_steps)

        self.steps = Steps(layers, rate)

    def learn(self, order: Ids, weight: Floats, rng: np.random.Generator) -> None:
        """One pass over rows in about this order: texts of like length are put together."""
        spec, lengths = self.spec, self.words.lengths
        batches: list[Ids] = []
        for start in range(0, len(order), self.batch * _NEAR):
            near = order[start : start + self.batch * _NEAR]
            near = near[np.argsort(lengths[near], kind="stable")]
            batches += [near[first : first + self.batch] for first in range(0, len(near), self.batch)]
        for number in rng.permutation(len(batches)):
            rows = batches[number]
            batch = Batch.of(self.bags, self.words.padded(rows))
            shares = (spec.vector_dropout, spec.dropout)
            masks = Masks.draw(len(rows), spec.size, len(self.layers.bias), shares, rng)
            slope = partial(self._slope, rows=rows, weight=weight)
            self.steps.step(batch.used, *self.layers.gradient(batch, slope, masks))

    def watch(self, weight: Floats) -> tuple[float, Floats]:
        """Weighted loss of the watched rows, and their scores."""
        rows = self.split.watch
        scores = scored(self.layers, self.words, self.bags, rows)
        loss, _ = self.loss(scores.astype(np.float64), rows)
        return float((loss * weight[rows]).sum()), scores

    def loss(self, scores: Array, rows: Ids) -> tuple[Array, Array]:
        """Loss of rows (n_rows, 1) or (n_rows, n_outputs), and its slope by the scores."""
        targets = self.samples.targets[rows].astype(np.float64)
        loss, slope = self.bound(scores, targets if self.samples.several else targets[:, 0].astype(np.int64))
        return loss if self.samples.several else loss[:, None], slope

    def _slope(self, scores: Array, rows: Ids, weight: Floats) -> Array:
        slope: Array = self.loss(scores, rows)[1] * weight[rows]
        return slope / (scores.size if self.samples.several else len(scores))


def scored(layers: TextLayers, words: Words, bags: Any, rows: Ids) -> Floats:
    """Scores (n_rows, n_outputs) of some texts, a portion of like length at a time."""
    order = np.argsort(words.lengths[rows], kind="stable")
    scores = np.empty((len(rows), len(layers.last_bias)), dtype=np.float32)
    for start in range(0, len(rows), _PORTION):
        part = order[start : start + _PORTION]
        scores[part] = layers.scores(Batch.of(bags, words.padded(rows[part])))
    return scores


def _start(priors: Array, several: bool) -> Array:
    """Scores of the shares of the classes, or of the labels."""
    shares = np.clip(priors, 1e-4, 1 - 1e-4)
    return np.log(shares) - (np.log1p(-shares) if several else 0.0)


def _texts(X: Any) -> list[str]:
    texts = list(X)
    if not all(isinstance(text, str) for text in texts):
        raise UsageError("text_network: it reads texts, and these rows are none")
    return texts


@dataclass(frozen=True)
class FittedTextNetwork:
    """A trained network over texts, and the linear model it stands on."""

    wide: Wide
    lexicon: Lexicon
    layers: TextLayers
    shares: Array
    present: NDArray[np.int64]
    n_classes: int
    multilabel: bool

    def predict_proba(self, X: Array) -> Array:
        """Probabilities (n_rows, n_classes) of texts; with several labels, each for itself."""
        import polars as pl

        texts = _texts(X)
        words = Words.of(texts)
        wide = self.wide.scores(count_ngrams(pl.Series(texts, dtype=pl.String)))
        deep = scored(self.layers, words, self.lexicon.bags(words), np.arange(len(texts)))
        logits = self.shares[0] * wide + self.shares[1] * deep + self.shares[2]
        if self.multilabel:
            proba = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -500, 500)))
            return spread(proba[:, self.present], self.present, self.n_classes)
        e = np.exp((logits - logits.max(axis=1, keepdims=True)).astype(np.float64))
        return spread(e / e.sum(axis=1, keepdims=True), self.present, self.n_classes)

    def to_state(self) -> ModelState:
        """Arrays from which the model is made again."""
        layers, linear = self.layers, self.wide.model
        arrays: dict[str, NDArray[Any]] = {"keys": self.lexicon.keys, "present": self.present, "table": layers.table}
        arrays |= {f"filters{j}": part for j, part in enumerate(layers.filters)}
        arrays |= {"bias": layers.bias, "last": layers.last, "last_bias": layers.last_bias, "shares": self.shares}
        arrays |= {"coef": linear.coef, "intercept": linear.intercept, "linear": linear.present}
        arrays |= self.wide.tfidf.to_arrays()
        meta = {"n_classes": self.n_classes, "multilabel": self.multilabel, "width": len(layers.filters)}
        return ModelState(meta, arrays)

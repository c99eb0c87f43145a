"""Texts and tags against TF-IDF and logistic regression: quality, processor time and memory.

Run ``python benchmarks/text.py goemotions|clinc150|wnut17|ncbi|pseudo [--data FOLDER] [--judge dev|test]``. Everything
is trained on the training file and decided on the development file; the test file is opened only with
``--judge test``, once, after all choices. Seconds are of one processor.
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, fbeta_score
from sklearn.multiclass import OneVsRestClassifier

from steelyard.api.prepare import RawTable
from steelyard.api.tokens import ROLES, token_table
from steelyard.cli.reading import Reading
from steelyard.cli.tables import Columns, LabelledTables
from steelyard.data import ReadOptions
from steelyard.decisions import Threshold
from steelyard.engine import Training, fit_pipeline
from steelyard.features import TableSchema
from steelyard.labels import encode_labels, entity_counts, entity_f1
from steelyard.models import parse_model
from steelyard.strategy import Strategy
from steelyard.study import entity_scores, make_folds, sentences_of

HERE = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
Scores = np.ndarray
REFERENCES = ["plain", "weighed"]
#: Chosen on dev.
OURS = (
    ("do_nothing", "linear(C=0.3)"),
    ("pos_weight(power=0.5)", "linear(C=0.3)"),
    ("pos_weight(power=0.7)", "linear(C=0.2)"),
    ("do_nothing", "text_network"),
)


class Rows:
    """Rows of several files under the names of the first."""

    def __init__(self, tables: list[RawTable]) -> None:
        self.tables = tables
        self.schema = TableSchema.infer(tables[0].features, tables[0].text)
        self.matrices = [self.schema.extract(table.features) for table in tables]
        self.texts = [table.features[self.schema.text[0]].fill_null("").to_list() for table in tables]


def fitted(strategy: str, model: str, rows: Rows, codes: Any, classes: tuple[Any, ...]) -> Iterator[Scores]:
    """Probabilities of the files after the first, by a model trained on the first."""
    training = Training.of(Strategy.parse(strategy), parse_model(model))
    pipeline = fit_pipeline(training, rows.matrices[0], rows.schema, codes, classes, 0)
    yield from (pipeline.predict_proba(matrix) for matrix in rows.matrices[1:])


def out_of_fold(strategy: str, model: str, rows: Rows, codes: Any, classes: tuple[Any, ...]) -> Scores:
    """Probabilities of the rows of the first file, by models trained on the others of them, as a study has them."""
    training = Training.of(Strategy.parse(strategy), parse_model(model))
    folds = make_folds(codes, 5)[0]
    found = np.empty(codes.shape)
    for fold in range(5):
        train, score = (rows.matrices[0].take(np.flatnonzero(part)) for part in (folds != fold, folds == fold))
        found[folds == fold] = fit_pipeline(
            training, train, rows.schema, codes[folds != fold], classes, 0
        ).predict_proba(score)
    return found


def reference(rows: Rows, codes: Any, **options: Any) -> Iterator[Scores]:
    """The same by scikit-learn: words and pairs of words, logistic regression, one for each label."""
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    one = LogisticRegression(max_iter=1000, **options)
    model = (OneVsRestClassifier(one) if codes.ndim == 2 else one).fit(vectors.fit_transform(rows.texts[0]), codes)
    yield from (model.predict_proba(vectors.transform(texts)) for texts in rows.texts[1:])


def timed(make: Callable[[], Iterator[Scores]]) -> tuple[list[Scores], float]:
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = list(make())
    return made, time.process_time() - started


def line(name: str, seconds: float, **values: float) -> None:
    shown = "  ".join(f"{key} {value:.4f}" for key, value in values.items())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{name:58} {shown}  {seconds:6.0f} s  peak so far {peak:.2f} GiB", flush=True)


def goemotions(data: Path, judge: str) -> None:
    """Each model at 0.5, and cut for each label where dev says; judged on dev, cuts are fitted on its other half."""
    folder = data / "text_multilabel" / "goemotions"
    tables = LabelledTables(Columns(None), Reading())
    first = tables.first(folder / "train.tsv")
    rows = Rows([first, tables.other(folder / "dev.tsv"), tables.other(folder / f"{judge}.tsv")])
    targets = [table.labels.codes for table in rows.tables]
    assert all(table.labels.classes == first.labels.classes for table in rows.tables)
    arms: list[tuple[str, Callable[[], Iterator[Scores]]]] = [
        ("scikit-learn, plain", lambda: reference(rows, targets[0].astype(int))),
        ("scikit-learn, balanced", lambda: reference(rows, targets[0].astype(int), class_weight="balanced")),
    ]
    arms = arms[: len(REFERENCES)]
    names = first.labels.classes
    for strategy, model in OURS:
        make = lambda s=strategy, m=model: fitted(s, m, rows, targets[0], names)  # noqa: E731
        arms += [(f"{strategy} | {model}", make)]
    halves = np.random.default_rng(0).random(len(targets[1])) < 0.5
    for name, make in arms:
        (dev, other), seconds = timed(make)
        for cut in (False, True):
            found = {}
            for beta in (1.0, 0.5):
                made = (other >= 0.5).astype(int)
                if cut:
                    rule = Threshold(metric="f1" if beta == 1 else "f_beta(beta=0.5)")
                    if judge == "test":
                        made = rule.fit(dev, targets[1]).predict(other)
                    else:
                        for half in (halves, ~halves):
                            made[half] = rule.fit(dev[~half], targets[1][~half]).predict(other[half])
                found[f"F{beta:g}"] = fbeta_score(targets[2], made, beta=beta, average="macro", zero_division=0)
            line(f"{name}{' + threshold' * cut}", seconds, **found)
        if (strategy := name.partition(" | ")[0]) != name:
            scores, seconds = timed(
                lambda n=name, s=strategy: iter([out_of_fold(s, n.partition(" | ")[2], rows, targets[0], names)])
            )
            for beta, metric in ((1.0, "f1"), (0.5, "f_beta(beta=0.5)")):
                made = Threshold(metric=metric).fit(scores[0], targets[0]).predict(other)
                found[f"F{beta:g}"] = fbeta_score(targets[2], made, beta=beta, average="macro", zero_division=0)
            line(f"{name} + threshold, out of fold", seconds, **found)


def clinc150(data: Path, judge: str) -> None:
    """150 intents: accuracy, and macro F1."""
    path = data / "text_single" / "clinc150_imbalanced" / "data_imbalanced.json"
    parts = ["train", "val", "test" if judge == "test" else "val"]
    rows = Rows([LabelledTables(Columns(None), Reading(split=part)).first(path) for part in parts])
    codes = [encode_labels(table.labels) for table in rows.tables]
    names, target = codes[0].classes, codes[2].codes
    assert codes[2].classes == names
    arms: list[tuple[str, Callable[[], Iterator[Scores]]]] = [
        ("scikit-learn, plain", lambda: reference(rows, codes[0].codes)),
        ("scikit-learn, plain, C=10", lambda: reference(rows, codes[0].codes, C=10.0)),
    ]
    arms = arms[: len(REFERENCES)]
    for strategy, model in (("do_nothing", "linear(C=10)"), ("do_nothing", "linear(C=40)"), ("sqrt", "linear(C=10)")):
        arms.append((f"{strategy} | {model}", lambda s=strategy, m=model: fitted(s, m, rows, codes[0].codes, names)))
    for name, make in arms:
        (_, other), seconds = timed(make)
        made = other.argmax(axis=1)
        f1 = fbeta_score(target, made, beta=1, average="macro")
        line(name, seconds, accuracy=accuracy_score(target, made), macro_F1=f1)


#: Strategies for rows of which few have a label.
PSEUDO = (
    "do_nothing",
    "pseudo_label",
    "class_balanced_pseudo_label",
    "inverse",
    "inverse + pseudo_label",
    "inverse + class_balanced_pseudo_label",
)
#: Strategies for tags, and how often each is trained with the tagger, whose fits differ by chance.
TAGGED = {
    "linear(C=0.3)": (1, ("do_nothing", "sqrt", "inverse")),
    "tagger": (
        3,
        (
            "do_nothing",
            "sqrt",
            "inverse",
            "focal(gamma=2)",
            "logit_adjusted(tau=0.5)",
            "repeat_factor(threshold=1)",
            "sequence_weighted",
        ),
    ),
}


def tagged(train: Path, other: Path) -> None:
    """Entity F1 of models of tags with and without weights, seeds pooled; changes are against doing nothing."""
    first, second = (token_table(path, ReadOptions(mend=True)) for path in (train, other))
    schema = TableSchema.infer(first.features, roles=ROLES)
    X, X_other = schema.extract(first.features), schema.extract(second.features)
    encoded = encode_labels(first.labels)
    lengths = second.tokens.lengths  # type: ignore[union-attr]
    truth = sentences_of(second.labels, lengths)
    for model, (n_seeds, strategies) in TAGGED.items():
        plain = None
        for strategy in strategies:
            training = Training.of(Strategy.parse(strategy), parse_model(model))
            started, counts, each = time.process_time(), 0, []
            for seed in range(n_seeds):
                pipeline = fit_pipeline(training, X, schema, encoded.codes, encoded.classes, seed)
                tags = [str(encoded.classes[k]) for k in pipeline.predict_proba(X_other).argmax(axis=1)]
                own = entity_counts(truth, sentences_of(tags, lengths))
                counts, each = counts + own, [*each, float(entity_f1(own))]
            plain = counts if plain is None else plain
            found = entity_scores(counts, plain, 0)
            low, high = found["delta_ci"]
            keys = {key: found[key] or 0.0 for key in ("f1", "precision", "recall", "delta")}
            seconds = (time.process_time() - started) / n_seeds
            line(f"{strategy} | {model}", seconds, **keys, low=low, high=high, least=min(each), most=max(each))


def wnut17(data: Path, judge: str) -> None:
    """Tags of tweets whose entities are new."""
    folder = data / "ner" / "wnut17"
    tagged(
        folder / "wnut17train.conll",
        folder / ("emerging.test.annotated" if judge == "test" else "emerging.dev.conll"),
    )


def ncbi(data: Path, judge: str) -> None:
    """Names of diseases in abstracts."""
    folder = data / "ner" / "ncbi-disease"
    tagged(folder / "train.tsv", folder / ("test.tsv" if judge == "test" else "devel.tsv"))


def pseudo(data: Path, judge: str) -> None:
    """Macro F1 on 1,500 messages where few of the others have a label, over four draws; there is no test file."""
    table = LabelledTables(Columns(None), Reading()).first(data / "text_single" / "sms_spam" / "spam.csv")
    schema = TableSchema.infer(table.features, table.text)
    matrix, encoded = schema.extract(table.features), encode_labels(table.labels)
    for n_labels in (100, 400):
        for strategy in PSEUDO:
            training = Training.of(Strategy.parse(strategy), parse_model("linear(C=10)"))
            started, scores = time.process_time(), []
            for seed in range(4):
                test, known, others = np.split(
                    np.random.default_rng(seed).permutation(len(encoded.codes)), [1500, 1500 + n_labels]
                )
                pipeline = fit_pipeline(
                    training, matrix.take(known), schema, encoded.codes[known], encoded.classes, 0,
                    unlabelled=matrix.take(others),
                )  # fmt: skip
                made = pipeline.predict_proba(matrix.take(test)).argmax(axis=1)
                scores.append(fbeta_score(encoded.codes[test], made, beta=1, average="macro"))
            values = {"macro_F1": float(np.mean(scores)), "least": min(scores), "most": max(scores)}
            line(f"{n_labels} labels, {strategy}", (time.process_time() - started) / 4, **values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["goemotions", "clinc150", "wnut17", "ncbi", "pseudo"])
    parser.add_argument("--data", type=Path, default=HERE)
    parser.add_argument("--judge", choices=["dev", "test"], default="dev")
    parser.add_argument("--ours", action="store_true", help="leave scikit-learn out")
    given = parser.parse_args()
    if given.ours:
        REFERENCES.clear()
    made = {"goemotions": goemotions, "clinc150": clinc150, "wnut17": wnut17, "ncbi": ncbi, "pseudo": pseudo}
    made[given.what](given.data, given.judge)


if __name__ == "__main__":
    main()

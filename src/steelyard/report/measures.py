"""Metrics in words, for people who have not met them before."""

from __future__ import annotations

from dataclasses import dataclass

from steelyard.report.words import clean


@dataclass(frozen=True)
class Measure:
    """A metric in words: its label, one sentence on what it is, and which way is up."""

    label: str
    sentence: str
    lower_is_better: bool = False


_MEASURES = {
    "macro_f1": Measure(
        "macro F1",
        "The score is macro F1: the F1 of each class (the balance of how many of its rows are found and how "
        "many of its alarms are right), averaged with every class counting the same, however rare. "
        "1 is perfect.",
    ),
    "weighted_f1": Measure(
        "weighted F1",
        "The score is weighted F1: the F1 of each class, averaged by the number of its rows, so common "
        "classes dominate it. 1 is perfect.",
    ),
    "micro_f1": Measure(
        "micro F1",
        "The score is micro F1: one F1 over all decisions together, so common classes dominate it. 1 is perfect.",
    ),
    "samples_f1": Measure(
        "samples F1",
        "The score is samples F1: the F1 of the labels of each row, averaged over rows. 1 is perfect.",
    ),
    "hamming_loss": Measure(
        "Hamming loss",
        "The score is the Hamming loss: the share of all entries that are wrong. 0 is perfect; lower is better.",
        lower_is_better=True,
    ),
    "balanced_accuracy": Measure(
        "balanced accuracy",
        "The score is balanced accuracy: the share of each class's rows that is found, averaged with every "
        "class counting the same. 1 is perfect.",
    ),
    "accuracy": Measure(
        "accuracy",
        "The score is accuracy: the share of all rows that is labelled right. It can be high while a rare "
        "class is never found. 1 is perfect.",
    ),
    "net_benefit": Measure(
        "net benefit",
        "The score is net benefit: hits of the rarer class per row, less false alarms per row at the price in hits "
        "that the threshold probability says. 0 is doing nothing for anybody; the share of the class is perfect.",
    ),
    "mcc": Measure(
        "Matthews correlation",
        "The score is the Matthews correlation between true and predicted labels: 0 is chance, 1 is perfect.",
    ),
    "roc_auc": Measure(
        "ROC AUC",
        "The score is ROC AUC: how often a row of a class is ranked above a row of another. 0.5 is chance, "
        "1 is perfect.",
    ),
    "average_precision": Measure(
        "average precision",
        "The score is average precision: the area under the precision-recall curve. 1 is perfect.",
    ),
    "log_loss": Measure(
        "log loss",
        "The score is log loss: how far the probabilities are from the truth. 0 is perfect; lower is better.",
        lower_is_better=True,
    ),
    "cost": Measure(
        "mean cost",
        "The score is the mean cost: what the mistakes cost under the given cost matrix, per row. Lower is better.",
        lower_is_better=True,
    ),
    "brier": Measure(
        "Brier score",
        "The score is the Brier score: the squared error of the probabilities. 0 is perfect; lower is better.",
        lower_is_better=True,
    ),
}


def measure(name: str) -> Measure:
    """Measure of a metric by its name; one that is not known here keeps its own name.

    Examples
    --------
    >>> measure("macro_f1").label, measure("f_beta(beta=2)").label
    ('macro F1', 'f_beta(beta=2)')
    """
    known = _MEASURES.get(name)
    return known or Measure(clean(name), f"The score is {clean(name)}, the metric that was asked for.")

"""What a classifier aims at: a metric, a cost matrix or shares at deployment; and the rule that follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.adjustments import ClassFactors, DeployPrior
from steelyard.blend import OutOfFold
from steelyard.decisions import Argmax, Cost, Decision, FittedDecision, RobustMultipliers
from steelyard.decisions.multipliers import FittedMultipliers
from steelyard.errors import UsageError
from steelyard.metrics import CountMetric, Metric, class_counts, get_metric
from steelyard.strategy import Strategy

Array = NDArray[np.float64]
Scorer = Callable[[NDArray[Any], NDArray[Any]], float]

_CUTS = 15


@dataclass(frozen=True)
class Target:
    """A rule, the shares it is for, and what it was made for.

    Parameters
    ----------
    text : str
        Name of the metric, or what stands in its place.
    factors : ClassFactors
        From the blend's probabilities to those at deployment.
    decision : FittedDecision
    """

    text: str
    factors: ClassFactors
    decision: FittedDecision


def make_target(
    oof: OutOfFold,
    classes: NDArray[Any],
    counts: NDArray[np.int64],
    *,
    metric: str | Metric | Scorer | None = None,
    cost: Any = None,
    prior: Mapping[Any, float] | None = None,
    decision: Decision | None = None,
    kept: dict[str, FittedDecision] | None = None,
) -> Target:
    """Rule for a metric or a cost, at given class shares, from out-of-fold scores; nothing is trained.

    Parameters
    ----------
    oof : OutOfFold
        Scores of the blend.
    classes : ndarray of shape (n_classes,)
    counts : ndarray of shape (n_classes,)
        Training rows of each class.
    metric : str, Metric or callable, optional
        A callable takes (y_true, y_pred) and gives a number, the higher the better.
    cost : array-like of shape (n_classes, n_classes), optional
        ``cost[true, predicted]``.
    prior : mapping of class to share, optional
    decision : Decision, optional
        The strategy's own rule.
    kept : dict, optional
        Rules that were tuned on these scores before, by their text; what is tuned now is added.

    Raises
    ------
    UsageError
        When metric and cost are both given, or what is given does not fit the classes.
    """
    if cost is not None and metric is not None:
        raise UsageError("give a metric or a cost, not both: a cost matrix is what is to be lowered already")
    factors = ClassFactors((1.0,) * len(classes))
    weight = oof.weight
    if prior is not None:
        shares = counts / counts.sum()
        named = {str(name): value for name, value in prior.items()}
        factors = DeployPrior(named).bind(priors=shares, weights=np.ones(len(classes)), classes=classes.tolist())
        # The rows stand in for those at deployment: each class as often as it will be there.
        weight = weight * np.asarray(factors.factors)[oof.codes]
        if weight.any():
            weight = weight * oof.weight.sum() / weight.sum()
    proba = factors.transform(oof.proba) if len(oof.codes) else oof.proba
    if cost is not None:
        return Target(f"cost({np.asarray(cost).tolist()})", factors, Cost(cost).fit(proba))
    if decision is not None:
        return Target(str(metric), factors, decision.fit(proba, oof.codes, positive=_rarer(counts)))
    if callable(metric) and not isinstance(metric, Metric):
        return Target(getattr(metric, "__name__", "callable"), factors, _tuned_by_calls(metric, proba, oof, classes))
    found = resolve_metric(metric or "macro_f1", counts)
    if not len(oof.codes):
        return Target(str(found), factors, FittedMultipliers(log_multipliers=(0.0,) * len(classes), notes=(_NO_ROWS,)))
    rule = RobustMultipliers().for_study(n_classes=len(classes), metric=found)
    if not isinstance(rule, RobustMultipliers):
        # Under a metric of costs, the cheapest label: nothing is tuned, so rows need no weights.
        return Target(str(found), factors, rule.fit(proba, oof.codes))
    # At other class shares the same rule is tuned to other numbers.
    known = {} if kept is None or prior is not None else kept
    if str(rule) not in known:
        known[str(rule)] = rule.fit(proba, oof.codes, sample_weight=weight)
    return Target(str(found), factors, known[str(rule)])


_NO_ROWS = "no out-of-fold scores, so there is nothing to tune on: all multipliers stay at 1"


def resolve_metric(metric: str | Metric, counts: NDArray[np.int64]) -> Metric:
    """Metric with what it leaves open filled in, checked to be defined for these classes.

    Raises
    ------
    UsageError
        When it is undefined for that many classes.
    """
    found = get_metric(metric) if isinstance(metric, str) else metric
    n_classes = len(counts)
    if found.params().get("positive", 0) is None and n_classes == 2:
        found = found.replace(positive=_rarer(counts))
    if isinstance(found, CountMetric):
        codes = np.repeat(np.arange(n_classes), 2)
        value = found.from_counts(*class_counts(codes, codes, n_classes), float(len(codes)))
        if not np.isfinite(value):
            raise UsageError(f"metric {found} is undefined for {n_classes} classes; use macro_f1 or balanced_accuracy")
    return found


def _rarer(counts: NDArray[np.int64]) -> int | None:
    return int(len(counts) - 1 - counts[::-1].argmin()) if len(counts) == 2 else None


def strategy_decision(strategy: Strategy | None, n_classes: int, metric: Any) -> Decision | None:
    """The strategy's own rule, where it names one or leaves it at argmax; None under ``auto``."""
    if strategy is None:
        return None
    rule = strategy.decision
    assert isinstance(rule, Decision)
    if isinstance(rule, Argmax) or not isinstance(metric, (str, Metric)):
        return rule
    return rule.for_study(n_classes=n_classes, metric=get_metric(metric) if isinstance(metric, str) else metric)


def _tuned_by_calls(score: Scorer, proba: Array, oof: OutOfFold, classes: NDArray[Any]) -> FittedMultipliers:
    """Multipliers for any function of labels: the best power of one over the shares, then each class in turn.

    A function is slow to call and its optimum easily overfitted, so few values are tried.
    """
    n_classes, truth = len(classes), classes[oof.codes]
    logs = np.log(np.maximum(proba, 1e-9))
    counts = np.bincount(oof.codes, weights=oof.weight, minlength=n_classes)
    to_prior = -np.log(np.maximum(counts, 1e-3) / counts.sum())

    def value(multipliers: Array) -> float:
        return float(score(truth, classes[(logs + multipliers).argmax(axis=1)]))

    reference = max((power * to_prior for power in np.linspace(0.0, 1.25, 11)), key=value)
    current, best = reference.copy(), value(reference)
    for k in np.argsort(counts, kind="stable")[: n_classes if n_classes > 2 else 1]:
        for step in np.linspace(-1.5, 1.5, _CUTS):
            tried = current.copy()
            tried[k] = reference[k] + step
            if (found := value(tried)) > best:
                best, current = found, tried
    moved = reference + counts / (counts + 10.0) * (current - reference)
    return FittedMultipliers(log_multipliers=tuple((moved - moved.mean()).tolist()))

"""Probabilities for a place where the classes come in other shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from steelyard.adjustments._base import Adjustment, Array, ClassFactors, LabelFactors, by_class, present_priors
from steelyard.component import FrozenMap, component
from steelyard.errors import UsageError


@component
class DeployPrior(Adjustment):
    """Probabilities for given class shares at deployment, in place of those of the training rows.

    ``p_k * deployed_k / trained_k`` with rows that sum to 1 again (Saerens et al. 2002, "Adjusting the
    outputs of a classifier to new a priori probabilities", equation 2.4). ``trained_k`` is the share in the
    training rows times the weight the class had in training, so weighted training is put right at the same
    time. A class absent from training is treated like the rarest present one.

    Parameters
    ----------
    priors : mapping of class to share
        One for each class, at least 0; percentages or counts do as well, only their ratios matter.

    Raises
    ------
    UsageError
        When a share is negative, all are 0, or (on binding) they do not match the classes.

    Examples
    --------
    >>> even = DeployPrior({"spam": 0.5, "ham": 0.5})
    >>> bound = even.bind(priors=np.array([0.9, 0.1]), weights=np.ones(2), classes=("ham", "spam"))
    >>> bound.transform(np.array([[0.9, 0.1]])).round(6).tolist()
    [[0.5, 0.5]]
    """

    priors: Mapping[str, float]

    name = "deploy_prior"
    shown = ("priors",)

    def __post_init__(self) -> None:
        if not isinstance(self.priors, Mapping):
            raise UsageError(
                "deploy_prior: give a mapping of class to share, as in deploy_prior({spam: 0.1, ham: 0.9})"
            )
        values = np.array([float(value) for value in self.priors.values()])
        if not np.isfinite(values).all() or (values < 0).any() or not values.any():
            raise UsageError("deploy_prior: shares must be finite, at least 0 and not all 0")
        object.__setattr__(self, "priors", FrozenMap(dict(zip(self.priors, values.tolist(), strict=True))))

    def bind(self, *, priors: Array, weights: Array, classes: Sequence[Any] = ()) -> ClassFactors:
        """Factors ``deployed / (prior * weight)``."""
        if len(classes) != len(priors):
            raise UsageError(f"deploy_prior: {len(classes)} class names for {len(priors)} classes")
        deployed = by_class(self.priors, classes, "deploy_prior")
        factors = deployed / (present_priors(priors) * np.asarray(weights, dtype=np.float64))
        return ClassFactors(tuple(factors / factors.max()))

    def bind_labels(self, *, priors: Array, weights: Array, classes: Sequence[Any] = ()) -> LabelFactors:
        """Deployed odds of each label over those in training; a label that no training row has keeps its odds."""
        deployed = by_class(self.priors, classes, "deploy_prior")
        wrong = [str(name) for name, share in zip(classes, deployed, strict=True) if not share < 1]
        if wrong:
            raise UsageError(
                f"deploy_prior: where rows have several labels each share is of all rows, below 1; that of "
                f"{wrong[0]!r} is {deployed.max():g}"
            )
        known = (priors > 0) & (priors < 1)
        trained = np.where(known, priors / np.where(known, 1.0 - priors, 1.0) * weights, 1.0)
        return LabelFactors(tuple(np.where(known, deployed / (1.0 - deployed) / trained, 1.0)))

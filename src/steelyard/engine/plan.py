"""What is to be fitted, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import UsageError
from steelyard.features import TableEncoder
from steelyard.labelling import Labelling
from steelyard.losses import Loss
from steelyard.models import Model
from steelyard.samplers import Sampling
from steelyard.searched import open_places
from steelyard.strategy import SLOTS, Strategy
from steelyard.weighting import Weighting


@dataclass(frozen=True)
class Training:
    """The part of an arm that decides a fit; arms that differ only afterwards share it.

    Examples
    --------
    >>> from steelyard.models import Linear
    >>> tuned = Training.of(Strategy.parse("inverse + threshold"), Linear())
    >>> tuned == Training.of(Strategy.parse("inverse"), Linear()), str(tuned)
    (True, 'inverse | linear')
    """

    model: Model
    strategy: Strategy

    @classmethod
    def of(cls, strategy: Strategy, model: Model) -> Training:
        """Training part of a strategy on a model."""
        return cls(model, strategy.replace(adjustment=SLOTS["adjustment"], decision=SLOTS["decision"]))

    @property
    def weighting(self) -> Weighting:
        """What weighs the classes."""
        assert isinstance(self.strategy.weighting, Weighting)
        return self.strategy.weighting

    @property
    def loss(self) -> Loss:
        """What is minimised."""
        assert isinstance(self.strategy.loss, Loss)
        return self.strategy.loss

    @property
    def sampling(self) -> Sampling:
        """Which rows are seen."""
        assert isinstance(self.strategy.sampling, Sampling)
        return self.strategy.sampling

    @property
    def labelling(self) -> Labelling:
        """What is made of labels that are not known."""
        assert isinstance(self.strategy.labelling, Labelling)
        return self.strategy.labelling

    @property
    def as_given(self) -> Training:
        """The same on labels as they are."""
        return Training(self.model, self.strategy.replace(labelling=SLOTS["labelling"]))

    @property
    def encoder(self) -> TableEncoder:
        """How the rows are encoded: as the model wants, but rows can be made up only without gaps and codes."""
        if self.sampling.synthetic:
            return TableEncoder("onehot")
        return TableEncoder(self.model.encoding, sparse=self.model.sparse)

    def check_filled(self) -> None:
        """Refuse to train with a value that is left open.

        Raises
        ------
        UsageError
            When one is; it is named.
        """
        for part in (*self.strategy.parts().values(), self.model):
            for (key, name), value in open_places(part).items():
                raise UsageError(
                    f"{part.name}: {name or key}={value} leaves a value open; write one, or let 'steelyard study "
                    "--tune' search it"
                )

    def __str__(self) -> str:
        return f"{self.strategy} | {self.model}"


@dataclass(frozen=True)
class FitPlan:
    """One fit: train on the rows outside a fold, score the rows of the fold."""

    training: Training
    repeat: int
    fold: int


@dataclass(frozen=True)
class FitOutcome:
    """Scores of one plan.

    Parameters
    ----------
    plan : FitPlan
    proba : ndarray of float32, shape (n_rows_of_the_fold, n_classes)
        Probabilities, rows in the order of the data.
    seconds : float
        Processor time of encoding, training and scoring, shared out evenly over plans that were done together.
    """

    plan: FitPlan
    proba: NDArray[np.float32]
    seconds: float

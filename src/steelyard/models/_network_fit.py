"""A fit of a network that is about to begin, whatever it is trained by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelyard.losses import FusedLoss
from steelyard.models._base import FitTask
from steelyard.models._engines import Options, Samples, engine_for
from steelyard.models._network import Floats, Network
from steelyard.models._training import Schedule, Split, train


@dataclass(frozen=True)
class Labels:
    """What a network is to tell apart, in its own numbering.

    Parameters
    ----------
    targets : ndarray of float32, shape (n_rows, 1) or (n_rows, n_classes)
        As in ``Samples``.
    present : ndarray of int64
        Classes, or labels, that some row has.
    n_outputs : int
    """

    targets: Floats
    present: NDArray[np.int64]
    n_outputs: int

    @classmethod
    def of(cls, task: FitTask) -> Labels:
        """Labels of a task: all of several labels, but only those classes that have rows."""
        if task.multilabel:
            present = np.flatnonzero((task.codes == 1).any(axis=0))
            return cls(np.ascontiguousarray(task.codes, dtype=np.float32), present, task.codes.shape[1])
        present, codes = np.unique(task.codes, return_inverse=True)
        return cls(codes[:, None].astype(np.float32), present, len(present))


@dataclass(frozen=True)
class NetworkFit:
    """Rows, first weights, options and random stream of a fit."""

    task: FitTask
    samples: Samples
    split: Split
    network: Network
    options: Options
    schedule: Schedule
    rng: np.random.Generator

    @property
    def priors(self) -> NDArray[np.float64]:
        """Shares of the classes, or of the labels, that the loss is bound to."""
        return self.split.priors(self.samples)

    @property
    def fused(self) -> FusedLoss | None:
        """The loss in numbers, where it has such a form."""
        loss = self.task.loss
        return loss.fused_multilabel(self.priors) if self.samples.several else loss.fused(self.priors)

    def alone(self) -> Network:
        """The network trained by itself, on the processor."""
        engine = engine_for(self.network, self.samples, self.task.loss, self.priors, self.options)
        return train(engine, self.task, self.samples, self.split, self.schedule, self.rng)

"""The rows of one fold, encoded for one kind of model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelyard.engine.data import EngineData
from steelyard.engine.fit import Array, Prepared, encode, prepare
from steelyard.engine.plan import FitPlan
from steelyard.features import FittedEncoder


@dataclass(frozen=True)
class EncodedFold:
    """Rows to train on and to score, and the seed that all fits of the fold share."""

    encoder: FittedEncoder
    train: NDArray[np.int64]
    X: Array
    X_score: Array
    seed: int

    @classmethod
    def of(cls, plan: FitPlan, data: EngineData) -> EncodedFold:
        """Fold of a plan, for the encoder of its model, which sees the training rows only."""
        train, score = data.train_rows(plan.repeat, plan.fold), data.score_rows(plan.repeat, plan.fold)
        seed = int(np.random.SeedSequence([data.seed, plan.repeat, plan.fold]).generate_state(1)[0] >> 1)
        encoder, X = encode(plan.training, data.matrix.take(train), data.schema)
        return cls(encoder, train, X, encoder.transform(data.matrix.take(score)), seed)

    def prepared(self, plans: Sequence[FitPlan], data: EngineData) -> Prepared:
        """Tasks of plans of this fold."""
        trainings = [plan.training for plan in plans]
        weight = None if data.row_weight is None else data.row_weight[self.train]
        return prepare(trainings, self.encoder, self.X, data.codes[self.train], data.classes, self.seed, weight)

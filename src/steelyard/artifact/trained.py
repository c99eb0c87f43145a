"""A model trained on all rows, with its adjustment and its decision."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.adjustments import ClassFactors, LabelFactors
from steelyard.blend import Blend, Member
from steelyard.data import frame_from
from steelyard.decisions import FittedDecision
from steelyard.engine import FittedPipeline, Training, TrainingFacts
from steelyard.errors import UsageError
from steelyard.features import TableSchema
from steelyard.features.media import MediaFeatures
from steelyard.models import Model
from steelyard.strategy import Strategy


@dataclass(frozen=True)
class TrainedModel:
    """Predicts labels for raw rows.

    Parameters
    ----------
    classes : tuple
        Labels, in the order of the columns of ``predict_proba``.
    schema : TableSchema
        Columns it needs; a table to predict may hold them in any order, and others beside them.
    pipeline : FittedPipeline or Blend
        Encoder and model, or several of them mixed.
    factors : ClassFactors or LabelFactors
        Adjustment of the probabilities; the latter where rows may have several labels.
    decision : FittedDecision
        From probabilities to labels.
    strategy : Strategy, optional
        None for a mixture, whose members have their own.
    model : Model, optional
        None for a mixture.
    facts : TrainingFacts
        Rows and weights of each class in training.
    info : dict
        What else is known of it: ``metric``, ``target``, ``score``. JSON-safe.
    media : MediaFeatures, optional
        How files become its columns, where it was trained on files.
    """

    classes: tuple[Any, ...]
    schema: TableSchema
    pipeline: FittedPipeline | Blend
    factors: ClassFactors | LabelFactors
    decision: FittedDecision
    strategy: Strategy | None
    model: Model | None
    facts: TrainingFacts
    info: dict[str, Any] = field(default_factory=dict)
    media: MediaFeatures | None = None

    @property
    def classes_(self) -> NDArray[Any]:
        """Labels as scikit-learn gives them."""
        made: NDArray[Any] = np.array(self.classes)
        return made

    @property
    def multilabel(self) -> bool:
        """Whether a row may have several labels."""
        return isinstance(self.factors, LabelFactors)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of the classes after the adjustment.

        Parameters
        ----------
        X : data frame or array of shape (n_rows, n_columns)
            Raw rows: polars, pandas or another data frame with the columns of the training table, or an array
            when it was trained on one.

        Returns
        -------
        ndarray of float64, shape (n_rows, n_classes)

        Raises
        ------
        DataError
            When a column is missing, or holds what its training kind does not admit.
        """
        raw = self.pipeline.predict_proba(self.schema.extract(frame_from(X)))
        # The study worked on scores rounded to float32; so does every later use, or ties would fall otherwise.
        rounded = raw.astype(np.float32).astype(np.float64)
        return self.factors.transform(self.factors.normalised(rounded))

    def select(self, frame: Any) -> Any:
        """Columns of a frame that ``predict_proba`` takes: all, because it finds its own by name."""
        return frame

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels of raw rows, by the decision rule of the strategy.

        Returns
        -------
        ndarray of shape (n_rows,), or of 0 and 1 of shape (n_rows, n_labels)
        """
        return self.decide(self.predict_proba(X))

    def decide(self, proba: NDArray[np.float64]) -> NDArray[Any]:
        """Labels for probabilities that ``predict_proba`` gave."""
        predicted = self.decision.predict(proba)
        labels: NDArray[Any] = predicted if self.multilabel else self.classes_[predicted]
        return labels

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write a model directory, which is there whole or not at all; see :func:`steelyard.load`."""
        from steelyard.artifact.save import save_model

        return save_model(self, Path(path), force=force)

    def export(self, path: str | Path, *, force: bool = False) -> Path:
        """Write an ONNX file with encoding, model, adjustment and decision; see :mod:`steelyard.export`."""
        from steelyard.export import export_onnx

        if not isinstance(self.factors, ClassFactors):
            raise UsageError("a model of several labels a row cannot be exported to ONNX yet; use its Python form")
        return export_onnx(
            Path(path), schema=self.schema, blend=self._blend(), factors=self.factors,
            decision=self.decision, classes=self.classes_, force=force,
        )  # fmt: skip

    def _blend(self) -> Blend:
        if isinstance(self.pipeline, Blend):
            return self.pipeline
        assert self.strategy is not None
        assert self.model is not None
        neutral = ClassFactors((1.0,) * len(self.classes))
        member = Member(Training.of(self.strategy, self.model), 1.0, neutral, None, self.pipeline)
        return Blend((member,), len(self.classes))

    def __str__(self) -> str:
        if isinstance(self.pipeline, Blend):
            return f"mixture of {len(self.pipeline.members)} arms"
        return f"{self.strategy} | {self.model}"

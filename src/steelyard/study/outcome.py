"""Everything a study found out, before it is written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steelyard.engine import EngineData
from steelyard.features.media import MediaFeatures
from steelyard.metrics import Metric
from steelyard.study.assess import Assessed, ScoredRows
from steelyard.study.compare import ClassTable, Scores, Winner
from steelyard.study.judging import judging_of
from steelyard.study.verdict import Verdict

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class DataFacts:
    """What is said about the data beside the numbers.

    Parameters
    ----------
    path : str
        File the rows came from, or "<memory>".
    target : str or None
        Name of the target column.
    row_numbers : ndarray of int64, optional
        Position of each studied row in the source, where rows were left out.
    ids : tuple of str, optional
        Name of each studied row, for the predictions file.
    warnings : tuple of str
    label_form : {"columns", "list"}, optional
        How several labels of a row are written: a column for each, or a list for each row.
    label_separator : str, optional
        What stands between the labels of a row in a text.
    media : MediaFeatures, optional
        How the rows were made from files, where they were.
    columns : tuple of str
        Names of all columns, in order, of a file that does not name them.
    lengths : ndarray of int64, shape (n_sentences,), optional
        Where the rows are the tokens of sentences, one after the other.
    texts : polars.Series, optional
        The first column of texts, to show examples from.
    """

    path: str = "<memory>"
    target: str | None = None
    row_numbers: NDArray[np.int64] | None = None
    ids: tuple[str, ...] | None = None
    warnings: tuple[str, ...] = ()
    label_form: str | None = None
    label_separator: str | None = None
    media: MediaFeatures | None = None
    columns: tuple[str, ...] = ()
    lengths: NDArray[np.int64] | None = None
    texts: pl.Series | None = None

    @property
    def token_places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Sentence of each studied token, and its position there; tokens that are not studied are counted too."""
        assert self.lengths is not None
        sentence = np.repeat(np.arange(len(self.lengths)), self.lengths)
        position = np.arange(len(sentence)) - np.repeat(np.cumsum(self.lengths) - self.lengths, self.lengths)
        kept = slice(None) if self.row_numbers is None else self.row_numbers
        return sentence[kept], position[kept]


@dataclass(frozen=True)
class StudyOutcome:
    """Arms, their scores, the winner and the verdict.

    Parameters
    ----------
    facts : DataFacts
    data : EngineData
    scored : ScoredRows
    metric : Metric
    arms : tuple of Assessed
        In order of the plan.
    scores : Scores
    classes : list of ClassTable
        One for each arm.
    winner : Winner
    verdict : Verdict
    left_out : tuple of str
        Sentences on what was asked for and not done.
    late : tuple of str
        Those of them that are about arms for which the time ran out.
    overweighting : dict, optional
        What too much weight does, where there was time to look.
    """

    facts: DataFacts
    data: EngineData
    scored: ScoredRows
    metric: Metric
    arms: tuple[Assessed, ...]
    scores: Scores
    classes: list[ClassTable]
    winner: Winner
    verdict: Verdict
    left_out: tuple[str, ...]
    late: tuple[str, ...] = ()
    overweighting: dict[str, Any] | None = None

    @property
    def best(self) -> Assessed:
        """The winning arm."""
        return self.arms[self.winner.index]

    @property
    def class_counts(self) -> NDArray[np.int64]:
        """Rows of each class."""
        return judging_of(self.data.codes).support(self.data.codes, self.data.n_classes)

    @property
    def scored_counts(self) -> NDArray[np.int64]:
        """Scored rows of each class."""
        return judging_of(self.scored.codes).support(self.scored.codes, self.data.n_classes)

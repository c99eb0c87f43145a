"""The study: arms x folds x repeats, compared honestly."""

from __future__ import annotations

from steelyard.study.assess import Assessed, bind_adjustment
from steelyard.study.cells import Progress
from steelyard.study.check import check_arms
from steelyard.study.compare import score_pair
from steelyard.study.entities import entities_record, entity_scores, sentences_of
from steelyard.study.folds import folds_from_column, make_folds
from steelyard.study.judging import Predictions, judging_of
from steelyard.study.outcome import DataFacts, StudyOutcome
from steelyard.study.plan import AUTO, Arm, BlendArm, StudyArm, make_arms
from steelyard.study.pseudo_labels import pseudo_label_record
from steelyard.study.record import predictions_frame, study_record
from steelyard.study.run import StudyPlan, execute, fit_decision

__all__ = [
    "AUTO",
    "Arm",
    "Assessed",
    "BlendArm",
    "DataFacts",
    "Predictions",
    "Progress",
    "StudyArm",
    "StudyOutcome",
    "StudyPlan",
    "bind_adjustment",
    "check_arms",
    "entities_record",
    "entity_scores",
    "execute",
    "fit_decision",
    "folds_from_column",
    "judging_of",
    "make_arms",
    "make_folds",
    "predictions_frame",
    "pseudo_label_record",
    "score_pair",
    "sentences_of",
    "study_record",
]

"""What a study gives back."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from steelyard.adjustments import ClassFactors
from steelyard.api.evaluation import evaluation_record
from steelyard.api.examples import study_examples
from steelyard.api.label_sets import written_info
from steelyard.api.prepare import RawTable
from steelyard.artifact import TrainedModel, save_model
from steelyard.blend import Blend
from steelyard.data import frame_from
from steelyard.engine import EngineData, Training, fit_pipeline, training_facts
from steelyard.features.media import MediaFeatures
from steelyard.files import replacing, write_text
from steelyard.notebook import Bar, html_table
from steelyard.report import InlineReport, render_report, write_report
from steelyard.strategy import Strategy
from steelyard.study import (
    Assessed,
    BlendArm,
    StudyOutcome,
    bind_adjustment,
    entities_record,
    predictions_frame,
    pseudo_label_record,
    study_record,
)

if TYPE_CHECKING:
    import polars as pl

    from steelyard.study.verdict import Verdict


@dataclass(frozen=True)
class WinnerSummary:
    """The best arm; its score and gain are corrected for its having been picked.

    Parameters
    ----------
    id, strategy, model : str
        Where values were searched, strategy and model have those found on all rows.
    score, gain : float
        Score, and gain over the best way of doing nothing (positive is better).
    ci, gain_ci : tuple of float
        95 % intervals.
    """

    id: str
    strategy: str
    model: str
    score: float
    ci: tuple[float, float]
    gain: float
    gain_ci: tuple[float, float]


class StudyResult:
    """A finished study.

    Attributes
    ----------
    record : dict
        Contents of ``study.json``.
    """

    def __init__(self, outcome: StudyOutcome, command: str | None = None) -> None:
        self._outcome = outcome
        self.record: dict[str, Any] = study_record(outcome, command)
        if outcome.facts.lengths is not None:
            self.record["entities"] = entities_record(outcome)
        if given := pseudo_label_record(outcome):
            self.record["pseudo_labels"] = given

    @property
    def verdict(self) -> Verdict:
        """Kind of the verdict and its text."""
        return self._outcome.verdict

    @property
    def winner(self) -> WinnerSummary:
        """The best arm, corrected for the choice."""
        winner, arm = self._outcome.winner, self._outcome.best.final
        return WinnerSummary(
            self._outcome.best.arm.id,
            str(arm.strategy),
            str(arm.model),
            winner.score,
            winner.score_ci,
            winner.gain,
            winner.gain_ci,
        )

    @cached_property
    def leaderboard(self) -> pl.DataFrame:
        """Arms from best to worst: score, interval, change against doing nothing, no-skill score, seconds."""
        import polars as pl

        sign = 1 if self.record["greater_is_better"] else -1
        arms = sorted(self.record["arms"], key=lambda arm: -sign * arm["score"])
        return pl.DataFrame(
            {
                "rank": np.arange(1, len(arms) + 1),
                **{key: [arm[key] for arm in arms] for key in ("strategy", "model", "score")},
                "ci_low": [arm["ci"][0] for arm in arms],
                "ci_high": [arm["ci"][1] for arm in arms],
                "delta": [arm["delta"] for arm in arms],
                "delta_low": [arm["delta_ci"][0] for arm in arms],
                "delta_high": [arm["delta_ci"][1] for arm in arms],
                **{key: [arm[key] for arm in arms] for key in ("no_skill", "seconds", "id")},
            }
        )

    @cached_property
    def per_class(self) -> pl.DataFrame:
        """A line for each arm and class: precision, recall, F1, F-beta, their changes, the verdict."""
        import polars as pl

        lines = [
            {"arm": arm["id"], **{k: v for k, v in entry.items() if not k.endswith("_ci")}}
            for arm in self.record["arms"]
            for entry in arm["per_class"]
        ]
        return pl.DataFrame(lines, infer_schema_length=None)

    @cached_property
    def predictions(self) -> pl.DataFrame:
        """Out-of-fold predictions: a line for each scored row, arm and repeat."""
        return predictions_frame(self._outcome)

    @cached_property
    def trials(self) -> pl.DataFrame:
        """A line for each trial of each search: arm, repeat, fold (none for all rows), score, values as JSON."""
        import polars as pl

        lines = [
            (arm["id"], search["repeat"], search["fold"], number, trial["score"], json.dumps(trial["values"]))
            for arm in self.record["arms"]
            for search in arm.get("tuning", {}).get("searches", ())
            for number, trial in enumerate(search["trials"])
        ]
        schema = {"arm": pl.String, "repeat": pl.Int64, "fold": pl.Int64, "trial": pl.Int64}
        return pl.DataFrame(lines, {**schema, "score": pl.Float64, "values": pl.String}, orient="row")

    @overload
    def report(self, path: None = None) -> InlineReport: ...
    @overload
    def report(self, path: str | Path) -> Path: ...
    def report(self, path: str | Path | None = None) -> Path | InlineReport:
        """Report as a file, or without a path as a value that a notebook shows.

        Parameters
        ----------
        path : path, optional
            Where to write the page.

        Returns
        -------
        pathlib.Path or InlineReport
        """
        examples = study_examples(self._outcome)
        if path is None:
            return InlineReport(render_report(self.record, examples))
        # A table has none, and a page without them is drawn from the record alone.
        return write_report(self.record, Path(path), examples) if examples else write_report(self.record, Path(path))

    def fit(self) -> TrainedModel:
        """Winner trained on all rows, with the decision rule fitted on all out-of-fold scores."""
        return self._trained

    @cached_property
    def _trained(self) -> TrainedModel:
        best = self._outcome.best
        info = {
            "metric": self.record["metric"],
            "target": self.record["data"]["target"],
            "score": self.record["winner"]["score"],
            "verdict": self.record["verdict"]["kind"],
            **written_info(self._outcome.facts),
        }
        return fit_arm(best, self._outcome.data, info, self._outcome.facts.media)

    def evaluate(self, X: Any, y: Any) -> dict[str, Any]:
        """Score of the winner, and of doing nothing, on rows that the study never saw.

        Parameters
        ----------
        X : data frame or array of shape (n_rows, n_columns)
            Raw rows.
        y : array-like of shape (n_rows,), or of shape (n_rows, n_labels) as the study had it
            Their labels.

        Returns
        -------
        dict
            ``rows``, ``seen_rows`` (those whose features the study had), ``winner`` and ``baseline`` (each with
            ``score``, ``ci``, ``metrics``), ``delta`` and ``delta_ci``.

        Raises
        ------
        DataError
            When a label is none of the study's classes; it is named.
        """
        separator = self._outcome.facts.label_separator
        return self.evaluate_table(RawTable(frame_from(X), y, label_separator=separator))

    def evaluate_table(self, table: RawTable, key: str | None = None) -> dict[str, Any]:
        """Like ``evaluate``, for a table; with a key the outcome is kept in ``record``."""
        plain = self._outcome.arms[self._outcome.scores.baseline]
        baseline = fit_arm(plain, self._outcome.data, {})
        found = evaluation_record(table, self.fit(), baseline, self._outcome.data, self._outcome.metric)
        if key:
            self.record[key] = found
        return found

    def save(self, folder: str | Path) -> Path:
        """Write ``predictions.parquet``, ``model/``, ``report.html`` and, last, ``study.json`` into a folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / "predictions.parquet") as temporary:
            self.predictions.write_parquet(temporary)
        save_model(self.fit(), folder / "model", force=True)
        self.report(folder / "report.html")
        # Its being there says that the study is complete.
        write_text(folder / "study.json", json.dumps(self.record, indent=1, ensure_ascii=False, allow_nan=False))
        return folder

    def __repr__(self) -> str:
        return f"StudyResult({self.verdict.kind}: {self.winner.id}, {self.record['metric']} {self.winner.score:.3f})"

    def _repr_html_(self) -> str:
        best = self.leaderboard.head(10)
        rows = [
            [arm["rank"], arm["strategy"], arm["model"], arm["score"], f"{arm['delta']:+.3f}", Bar(arm["score"])]
            for arm in best.to_dicts()
        ]
        more = self.leaderboard.height - best.height
        note = f"{more} more arms in .leaderboard; .report() opens the whole report." if more else ".report() opens it."
        header = ["rank", "strategy", "model", self.record["metric"], "change", ""]
        return html_table(self.verdict.text, header, rows, note)


def fit_arm(
    assessed: Assessed, data: EngineData, info: dict[str, Any], media: MediaFeatures | None = None
) -> TrainedModel:
    """An arm trained on all rows, with the decision, and where it is a mixture the shares, that were found before."""
    arm, seed = assessed.final, data.seed
    if isinstance(arm, BlendArm):
        neutral = training_facts(Training.of(Strategy(), arm.members[0].model), data.codes, data.classes)
        members = tuple(
            replace(m, pipeline=fit_pipeline(m.training, data.matrix, data.schema, data.codes, data.classes, seed))
            for m in assessed.mixture
        )
        return TrainedModel(
            classes=data.classes,
            schema=data.schema,
            pipeline=Blend(members, data.n_classes),
            factors=ClassFactors((1.0,) * data.n_classes),
            decision=assessed.decision,
            strategy=None,
            model=None,
            facts=neutral,
            info=info,
            media=media,
        )
    training = arm.training
    facts = training_facts(training, data.codes, data.classes)
    return TrainedModel(
        classes=data.classes,
        schema=data.schema,
        pipeline=fit_pipeline(
            training,
            data.matrix,
            data.schema,
            data.codes,
            data.classes,
            seed,
            unlabelled=None if data.unlabelled is None else data.unlabelled.matrix,
        ),
        factors=bind_adjustment(arm, facts, data.classes),
        decision=assessed.decision,
        strategy=arm.strategy,
        model=arm.model,
        facts=facts,
        info=info,
        media=media,
    )

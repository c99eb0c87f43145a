"""The scikit-learn classifier."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data

from steelyard.adjustments import ClassFactors
from steelyard.api.study import processes, tuning_from
from steelyard.blend import Blend, BlendResult, Clock, Member, OutOfFold, check_models, fit_blend, trainings_of
from steelyard.decisions import FittedDecision
from steelyard.engine import EngineData, Training, fit_pipeline
from steelyard.errors import DataError, UsageError
from steelyard.estimator.rows import engine_data, is_frame, labelled, to_frame
from steelyard.estimator.searching import arms_of, refuse_open, search_blend, searched_metric
from steelyard.estimator.target import Scorer, Target, make_target, resolve_metric, strategy_decision
from steelyard.features import TableSchema
from steelyard.metrics import Metric
from steelyard.models import Linear, Model, parse_models
from steelyard.strategy import Strategy

MODES = ("full", "fast")


class SteelyardClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A classifier for classes of unequal size: a study inside ``fit``, aimed at the metric you name.

    With ``"auto"``, arms of several models and strategies are cross-validated, their probabilities calibrated and
    mixed, and the mixture's decision tuned for the metric on out-of-fold scores. These scores are kept, so that
    :meth:`retarget` aims the same fit at another metric, cost or class shares without training.

    Parameters
    ----------
    model : str, classifier or list, default "auto"
        ``"auto"``, or the models to mix: ``"linear, boosting(learning_rate=0.05)"``, or scikit-learn classifiers.
    strategy : str or Strategy, default "auto"
        ``"auto"``, or one strategy for all models, such as ``"inverse + threshold"``.
    metric : str, Metric or callable, default "macro_f1"
        What the decision is tuned for. A callable takes (y_true, y_pred); higher is better.
    time_limit : float, optional
        Seconds that ``fit`` may take; arms there is no time for are left out. When it is too short for one arm, a
        linear model that does nothing about imbalance is trained, and a warning says so.
    n_jobs : int, default -1
        Processes; -1 is one for each processor. The result does not depend on it, time-limited fits aside.
    random_state : int, RandomState or None, default 0
    mode : {"full", "fast"}, default "full"
        ``"fast"`` tries four arms under ``"auto"`` instead of twelve, on folds that are dealt once.
    tune : {"grid", "random", "bayes"}, optional
        Search the values that the models and the strategy leave open, as in ``"linear(C=?)"``; where none is marked,
        all at their defaults that declare a range. It is done inside the training rows of each fold: for the metric
        where a strategy is named, else for log loss, as the mixture is. "bayes" needs the extra ``search``.
    trials : int, optional
        Trials of each search, 25 by default; for a grid the most points it may have, 100 by default.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    arms_ : list of ArmRecord
        What became of each arm: its weight in the mixture, log loss, seconds.
    metric_ : str
        What the decision was made for.
    tuning_ : list of dict
        For each arm that was searched, the values found on all rows, and every search with its trials.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Where columns have names.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["common", "rare"], [90, 10])
    >>> X = rng.normal(size=(100, 2)) + 2.0 * (y == "rare")[:, None]
    >>> clf = SteelyardClassifier(model="linear", n_jobs=1).fit(X, y)
    >>> clf.predict_proba(X).shape, clf.classes_.tolist()
    ((100, 2), ['common', 'rare'])
    >>> careful = clf.retarget("min_recall")
    >>> int((careful.predict(X) == "rare").sum()) >= int((clf.predict(X) == "rare").sum())
    True
    """

    def __init__(
        self,
        model: Any = "auto",
        strategy: Any = "auto",
        metric: Any = "macro_f1",
        time_limit: float | None = None,
        n_jobs: int | None = -1,
        random_state: Any = 0,
        mode: str = "full",
        tune: str | None = None,
        trials: int | None = None,
    ) -> None:
        self.model = model
        self.strategy = strategy
        self.metric = metric
        self.time_limit = time_limit
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.mode = mode
        self.tune = tune
        self.trials = trials

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Try the arms, mix them, and tune the decision.

        Parameters
        ----------
        X : data frame or array of shape (n_samples, n_features)
            Raw rows: text columns are categories, missing values are fine.
        y : array-like of shape (n_samples,)
            Labels of any kind.
        sample_weight : array-like of shape (n_samples,), optional
            How much each row counts. Whole numbers up to 20 are taken as repetitions of the row, which is what
            equals them; others multiply the loss. Rows of weight 0 are left out.
        groups : array-like of shape (n_samples,), optional
            Rows of one group stay in one fold.

        Returns
        -------
        self

        Raises
        ------
        UsageError
            When a parameter is wrong, or the metric is undefined for these classes.
        DataError
            When the data cannot be learned from: one class, an infinite value, no usable column.
        """
        clock = Clock(self._checked_limit())
        tuning = tuning_from(self.tune, self.trials)
        strategy = self._strategy()
        models, mode = self._models(), self._checked_mode()
        if tuning is not None and models is None and strategy is None:
            raise UsageError(
                "tune searches models or a strategy that are named, such as model='linear, boosting'; "
                "'auto' for both mixes arms of fixed values"
            )
        names, codes = self._read(X, y)
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, np.empty(len(codes)), dtype=np.float64)
        rows = labelled(to_frame(X, names), codes, weight, groups)
        counts = np.bincount(rows.codes, minlength=len(self.classes_))
        limited = clock.limit is not None
        trainings = trainings_of(models, strategy, mode, len(rows.codes), len(counts), limited=limited)
        check_models(trainings)
        if np.count_nonzero(counts) < 2:
            raise DataError("y has one class only; a classifier needs at least two different classes")
        if isinstance(self.metric, (str, Metric)):
            resolve_metric(self.metric, counts)
        self.tuning_: list[dict[str, Any]] = []
        classes, once = tuple(self.classes_.tolist()), mode == "fast"
        if tuning is None:
            refuse_open(trainings, strategy)
            data = engine_data(rows, classes, self._seed(), once=once)
            result = self._mixed(trainings, strategy, data, clock)
        else:
            arms = arms_of(trainings, strategy, tuning)
            data = engine_data(rows, classes, self._seed(), once=True)
            wanted = searched_metric(self.metric, strategy, counts)
            searched = search_blend(arms, strategy, data, wanted, tuning, n_jobs=self._jobs(), clock=clock)
            result, strategy, self.tuning_ = searched or (None, strategy, [])
        if result is None:
            result = self._nothing_done(data)
        self.schema_: TableSchema = data.schema
        self.blend_: Blend = result.blend
        self.oof_: OutOfFold = result.oof
        self.arms_ = list(result.records)
        self.class_counts_: NDArray[np.int64] = counts
        self._tuned_rules: dict[str, FittedDecision] = {}
        self._aim(self._target(self.oof_, strategy, counts, self._tuned_rules))
        return self

    def retarget(
        self, metric: str | Metric | Scorer | None = None, *, cost: Any = None, prior: Mapping[Any, float] | None = None
    ) -> SteelyardClassifier:
        """A new classifier for another metric, cost or class shares, from the stored out-of-fold scores.

        Nothing is trained: the models are shared with this one, which stays as it is.

        Parameters
        ----------
        metric : str, Metric or callable, optional
            Left out, and without a cost, it stays this classifier's own.
        cost : array-like of shape (n_classes, n_classes), optional
            ``cost[true, predicted]`` in the order of ``classes_``: the cheapest label is predicted.
        prior : mapping of class to share, optional
            Class shares where the classifier will be used.

        Returns
        -------
        SteelyardClassifier

        Raises
        ------
        UsageError
            When what is given does not fit the classes.

        Examples
        --------
        >>> X, y = np.r_[np.zeros((30, 1)), np.ones((10, 1))], np.repeat([0, 1], [30, 10])
        >>> clf = SteelyardClassifier(model="linear", n_jobs=1).fit(X, y)
        >>> float(clf.predict_proba(X[:1])[0, 1]) < float(clf.retarget(prior={0: 1, 1: 9}).predict_proba(X[:1])[0, 1])
        True
        """
        check_is_fitted(self, "blend_")
        wanted = self.metric if metric is None and cost is None else metric
        made = copy.copy(self)
        if metric is not None:
            made.metric = metric
        target = make_target(
            self.oof_, self.classes_, self.class_counts_, metric=wanted, cost=cost, prior=prior, kept=self._tuned_rules
        )
        made._aim(target)
        return made

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of the classes, shape (n_samples, n_classes), in the order of ``classes_``."""
        check_is_fitted(self, "blend_")
        if is_frame(X):
            validate_data(self, X, reset=False, skip_check_array=True)
        else:
            X = validate_data(self, X, reset=False, dtype=None, ensure_all_finite="allow-nan")
        return self._proba(to_frame(X, self._names))

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels of rows, shape (n_samples,), by the decision tuned for the metric."""
        return self.decide(self.predict_proba(X))

    def decide(self, proba: NDArray[np.float64]) -> NDArray[Any]:
        """Labels for probabilities that ``predict_proba`` gave, shape (n_samples,)."""
        labels: NDArray[Any] = self.classes_[self.decision_.predict(proba)]
        return labels

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write a model directory, which is there whole or not at all; read it with :func:`steelyard.load`."""
        from steelyard.estimator.save import save_classifier

        check_is_fitted(self, "blend_")
        return save_classifier(self, Path(path), force=force)

    def export(self, path: str | Path, *, force: bool = False) -> Path:
        """Write an ONNX file with encoding, models, mixture and decision; see :func:`steelyard.export.export_onnx`."""
        from steelyard.export import export_onnx

        check_is_fitted(self, "blend_")
        return export_onnx(
            Path(path), schema=self.schema_, blend=self.blend_, factors=self.factors_, decision=self.decision_,
            classes=self.classes_, force=force,
        )  # fmt: skip

    def select(self, frame: Any) -> Any:
        """Columns of a polars frame that ``predict_proba`` takes, in its order; others may stand beside them.

        Raises
        ------
        DataError
            When one is missing.
        """
        absent = [name for name in self._names if name not in frame.columns]
        if absent:
            raise DataError(f"the table lacks the column {absent[0]!r}, which the model was trained on")
        return frame.select(self._names)

    @property
    def multilabel(self) -> bool:
        """False: a row has one label."""
        return False

    @property
    def media(self) -> None:
        """None: rows are rows of a table, not files."""
        return

    @property
    def schema(self) -> TableSchema:
        """Columns it was trained on."""
        return self.schema_

    @property
    def info(self) -> dict[str, Any]:
        """Nothing more is known of it."""
        return {}

    @property
    def classes(self) -> tuple[Any, ...]:
        """Labels as Python values."""
        return tuple(self.classes_.tolist())

    def _proba(self, frame: Any) -> NDArray[np.float64]:
        return self.factors_.transform(self.blend_.predict_proba(self.schema_.extract(frame)))

    def _aim(self, target: Target) -> None:
        self.metric_: str = target.text
        self.factors_: ClassFactors = target.factors
        self.decision_: FittedDecision = target.decision

    def _read(self, X: Any, y: Any) -> tuple[list[str], NDArray[np.int64]]:
        """Names of the columns and codes of the labels, after scikit-learn's own checks."""
        if is_frame(X):
            validate_data(self, X, skip_check_array=True)
            _, labels = None, y
        else:
            X, labels = validate_data(self, X, y, dtype=None, ensure_all_finite="allow-nan", ensure_min_samples=2)
        labels = column_or_1d(labels.to_numpy() if hasattr(labels, "to_numpy") else np.asarray(labels), warn=True)
        check_classification_targets(labels)
        if len(labels) != len(X):
            raise DataError(f"y has {len(labels)} labels for {len(X)} rows")
        if any(label is None or label != label for label in labels.tolist()):
            raise DataError("Input y contains NaN or None; leave rows without a label out")
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(f"y has one class only, {self.classes_[0]!r}; a classifier needs at least two classes")
        named = getattr(self, "feature_names_in_", None)
        self._names = [f"x{i}" for i in range(self.n_features_in_)] if named is None else list(map(str, named))
        return self._names, codes.astype(np.int64)

    def _mixed(
        self, trainings: Sequence[Training], strategy: Strategy | None, data: EngineData, clock: Clock
    ) -> BlendResult | None:
        counts = np.bincount(data.codes, minlength=data.n_classes)

        def rehearsal(proba: NDArray[np.float64], codes: NDArray[np.int64]) -> Target:
            return self._target(OutOfFold(proba, codes, np.ones(len(codes))), strategy, counts)

        return fit_blend(trainings, strategy, data, n_jobs=self._jobs(), clock=clock, rehearsal=rehearsal)

    def _target(
        self,
        oof: OutOfFold,
        strategy: Strategy | None,
        counts: NDArray[np.int64],
        kept: dict[str, FittedDecision] | None = None,
    ) -> Target:
        # Without a row to tune on, the strategy's rule is left out as well.
        decision = strategy_decision(strategy, len(counts), self.metric) if len(oof.codes) else None
        return make_target(oof, self.classes_, counts, metric=self.metric, decision=decision, kept=kept)

    def _models(self) -> tuple[Model, ...] | None:
        return None if isinstance(self.model, str) and self.model == "auto" else parse_models(self.model)

    def _strategy(self) -> Strategy | None:
        if self.strategy == "auto":
            return None
        if not isinstance(self.strategy, (str, Strategy)):
            raise UsageError(f"strategy must be 'auto', a strategy or its text, not {self.strategy!r}")
        strategy = Strategy.parse(self.strategy) if isinstance(self.strategy, str) else self.strategy
        if "labelling" in strategy.active():
            raise UsageError(f"{strategy.labelling} needs rows without a label, which run_study takes and fit does not")
        return strategy

    def _checked_limit(self) -> float | None:
        if self.time_limit is not None and not self.time_limit > 0:
            raise UsageError(f"time_limit must be above 0 seconds, not {self.time_limit!r}")
        return self.time_limit

    def _jobs(self) -> int:
        return processes(self.n_jobs or 1)

    def _checked_mode(self) -> str:
        if self.mode not in MODES:
            raise UsageError(f"mode must be one of {', '.join(MODES)}, not {self.mode!r}")
        return self.mode

    def _seed(self) -> int:
        if isinstance(self.random_state, (int, np.integer)) and not isinstance(self.random_state, bool):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _nothing_done(self, data: EngineData) -> BlendResult:
        warnings.warn(
            f"time_limit={self.time_limit} is too short for one arm: a linear model that does nothing about the rare "
            "classes was trained instead, and no decision was tuned; give more seconds, or fewer models",
            UserWarning,
            stacklevel=3,
        )
        training = Training.of(Strategy(), Linear())
        pipeline = fit_pipeline(training, data.matrix, data.schema, data.codes, data.classes, data.seed)
        n_classes = data.n_classes
        member = Member(training, 1.0, ClassFactors((1.0,) * n_classes), None, pipeline)
        nothing = OutOfFold(np.zeros((0, n_classes)), np.zeros(0, dtype=np.int64), np.zeros(0))
        return BlendResult(Blend((member,), n_classes), nothing)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

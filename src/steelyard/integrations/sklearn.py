"""scikit-learn: a whole strategy around any classifier.

Weights, resampling, adjustment and a tuned decision rule in one estimator, each fitted on the rows it may see: a
resampled row is never scored, and the rule is fitted on probabilities of rows that the classifier had not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing, check_random_state, get_tags, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, _check_y, check_consistent_length, check_is_fitted

from steelyard.decisions import Argmax, Cost, Decision
from steelyard.errors import DataError, UsageError
from steelyard.integrations._fold import FittedFold, Rows, fit_fold, prepare
from steelyard.metrics import get_metric
from steelyard.strategy import Strategy
from steelyard.study.folds import make_folds

__all__ = ["StrategyClassifier"]

Array = NDArray[np.float64]
Codes = NDArray[np.int64]


class StrategyClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]  # no types there
    """Any classifier with a strategy around it.

    The weighting becomes ``sample_weight``, the sampling happens inside ``fit`` on training rows only, the loss is
    handed to estimators that have ``with_loss`` (those of :mod:`steelyard.integrations.lightgbm` and ``xgboost``), the
    adjustment turns the probabilities, and the decision rule is fitted on cross-validated probabilities of rows that
    were not trained on. A ``FrozenEstimator`` is not trained again: adjustment and decision only are fitted, on the
    rows given, which should then be rows it has not seen.

    Parameters
    ----------
    estimator : classifier, optional
        Has ``predict_proba``; logistic regression by default. It may be a ``Pipeline``.
    strategy : str or Strategy, default "do_nothing"
        As in ``"inverse + multipliers"``. ``threshold`` stands for ``multipliers`` with more than two classes.
    metric : str, default "macro_f1"
        What a tuned decision tunes when it does not say.
    cv : int, splitter or iterable of splits, default 5
        Folds for the decision; with a number they are stratified, also where a class has fewer rows than folds, and
        keep the rows of a group together. A class of a single row is always trained on.
    pos_label : label, optional
        Positive class of two, by default the rarer one.
    random_state : int, RandomState or None
        Of folds and sampling.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    estimator_ : classifier
        Trained on all rows.
    adjustment_ : ClassFactors
    decision_ : FittedDecision
        ``decision_.notes`` says where classes were too rare to tune on.

    Raises
    ------
    UsageError
        When the estimator cannot take what the strategy asks for: a loss, weights, or training at all.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> X, y = make_classification(500, weights=[0.9], random_state=0)
    >>> model = StrategyClassifier(LogisticRegression(), "inverse + threshold(metric=f1)", random_state=0).fit(X, y)
    >>> model.predict(X).shape, model.predict_proba(X).shape
    ((500,), (500, 2))
    """

    def __init__(
        self,
        estimator: Any = None,
        strategy: str | Strategy = "do_nothing",
        *,
        metric: str = "macro_f1",
        cv: Any = 5,
        pos_label: Any = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.strategy = strategy
        self.metric = metric
        self.cv = cv
        self.pos_label = pos_label
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None, **fit_params: Any) -> Self:
        """Fit everything.

        Parameters
        ----------
        X : array, data frame or sparse matrix of shape (n_rows, n_columns)
            Handed to the estimator as it is.
        y : array-like of shape (n_rows,)
        sample_weight : array-like of shape (n_rows,), optional
            Multiplied with the weights of the strategy; a row of weight 2 counts as two rows do.
        groups : array-like of shape (n_rows,), optional
            Rows of one group stay in one fold. With metadata routing ask for them by ``set_fit_request(groups=True)``.
        **fit_params
            Go to the estimator's ``fit``; with metadata routing as they are requested.
        """
        strategy = self.strategy if isinstance(self.strategy, Strategy) else Strategy.parse(self.strategy)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        estimator = self._estimator()
        rows = self._rows(estimator, X, y, sample_weight, fit_params)
        prepared = prepare(estimator, strategy, weighted=sample_weight is not None)
        self.classes_ = rows.classes
        everything = np.arange(len(rows.codes))
        self._fitted = fit_fold(prepared, strategy, rows, everything, np.random.default_rng(seed))
        self.estimator_, self.adjustment_ = self._fitted.estimator, self._fitted.factors
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        assert isinstance(strategy.decision, Decision)
        decision = strategy.decision.for_study(n_classes=len(rows.classes), metric=get_metric(self.metric))
        if isinstance(decision, Argmax | Cost):
            # Nothing to tune, so nothing to be cross-validated.
            proba, codes = np.full((1, len(rows.classes)), 1.0 / len(rows.classes)), rows.codes[:1]
        elif isinstance(estimator, FrozenEstimator):
            proba, codes = self._fitted.predict_proba(X, rows.classes), rows.codes
        else:
            proba, codes = self._out_of_fold(prepared, strategy, rows, groups, seed)
        self.decision_ = decision.fit(proba, codes, positive=self._positive(rows))
        return self

    def predict_proba(self, X: Any) -> Array:
        """Probabilities after the adjustment, shape (n_rows, n_classes), in the order of ``classes_``."""
        check_is_fitted(self)
        return self._fitted.predict_proba(X, self.classes_)

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels by the decision rule, shape (n_rows,)."""
        proba = self.predict_proba(X)
        labels: NDArray[Any] = self.classes_[self.decision_.predict(proba)]
        return labels

    def get_metadata_routing(self) -> MetadataRouter:
        """What this estimator asks for itself (``sample_weight``, ``groups``), and what it hands on."""
        router = MetadataRouter(owner=type(self).__name__).add_self_request(self)
        return router.add(estimator=self._estimator(), method_mapping=MethodMapping().add(caller="fit", callee="fit"))

    def _estimator(self) -> Any:
        return LogisticRegression() if self.estimator is None else self.estimator

    def _rows(self, estimator: Any, X: Any, y: Any, sample_weight: Any, fit_params: dict[str, Any]) -> Rows:
        if y is None:
            raise DataError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        labels = _check_y(y)
        check_classification_targets(labels)
        (X,) = indexable(X)
        check_consistent_length(X, labels)
        if not len(labels):
            raise DataError("X has 0 rows, while a minimum of 2 is required")
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if fit_params and get_config()["enable_metadata_routing"]:
            fit_params = dict(process_routing(self, "fit", **fit_params).estimator.fit)
        if isinstance(estimator, FrozenEstimator):
            check_is_fitted(estimator)
            classes = np.asarray(estimator.classes_)
            unknown = sorted(set(labels.tolist()) - set(classes.tolist()))
            if unknown:
                raise DataError(f"y has the class {unknown[0]!r}, which the frozen estimator was not trained on")
            return Rows(X, np.searchsorted(classes, labels), classes, weight, fit_params)
        classes, codes = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise DataError(f"y has one class only, {classes[0]!r}; two or more are needed")
        return Rows(X, codes, classes, weight, fit_params)

    def _positive(self, rows: Rows) -> int | None:
        """Code of the positive class of two."""
        if self.pos_label is not None and self.pos_label not in rows.classes.tolist():
            raise UsageError(f"pos_label is {self.pos_label!r}, but the classes are {rows.classes.tolist()}")
        if len(rows.classes) != 2:
            return None
        if self.pos_label is not None:
            return int(rows.classes.tolist().index(self.pos_label))
        counts = np.bincount(rows.codes, minlength=2)
        return int(counts[1] <= counts[0])

    def _out_of_fold(
        self, estimator: Any, strategy: Strategy, rows: Rows, groups: Any, seed: int
    ) -> tuple[Array, Codes]:
        """Probabilities of rows by estimators that did not see them, and the rows' classes."""
        proba, scored = [], []
        for number, (train, test) in enumerate(self._splits(rows, groups, seed)):
            fold: FittedFold = fit_fold(estimator, strategy, rows, train, np.random.default_rng([seed, number]))
            proba.append(fold.predict_proba(_safe_indexing(rows.X, test), rows.classes))
            scored.append(rows.codes[test])
        return np.vstack(proba), np.concatenate(scored)

    def _splits(self, rows: Rows, groups: Any, seed: int) -> Iterator[tuple[Codes, Codes]]:
        if not isinstance(self.cv, int | np.integer):
            yield from check_cv(self.cv, rows.codes, classifier=True).split(rows.X, rows.codes, groups)
            return
        group_codes = None
        if groups is not None:
            check_consistent_length(rows.X, groups)
            group_codes = np.unique(np.asarray(groups), return_inverse=True)[1]
        units = len(rows.codes) if group_codes is None else int(group_codes.max()) + 1
        if not 2 <= self.cv <= units:
            what = "rows" if group_codes is None else "groups"
            raise UsageError(f"cv={self.cv} folds cannot be made of {units} {what}; take 2 to {units}")
        folds = make_folds(rows.codes, int(self.cv), groups=group_codes, seed=seed)[0]
        for fold in np.unique(folds[folds >= 0]):
            yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._estimator())
        tags.input_tags = inner.input_tags
        tags.target_tags.required = True
        tags.classifier_tags.multi_label = False
        return tags

"""XGBoost: objectives that are right, and a classifier that gives probabilities.

With a custom objective XGBoost starts from one half, applies no weights, and its scikit-learn estimator may hand
margins out as probabilities. Here the objective weighs and knows where to start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import ArtifactError, MissingExtraError
from steelyard.files import replacing
from steelyard.integrations._classifier import TreeClassifier
from steelyard.integrations._objective import Objective
from steelyard.models._margins import HESSIAN_FLOOR, MarginLoss
from steelyard.models._xgboost import HESSIAN_FACTOR, base_score, train
from steelyard.strategy import Strategy

__all__ = ["XGBoostClassifier", "XGBoostObjective", "objective"]

Array = NDArray[np.float64]


class XGBoostObjective(Objective):
    """Objective for ``xgboost.train(obj=...)`` and ``XGBClassifier``; made by :func:`objective`."""

    @property
    def parameters(self) -> dict[str, Any]:
        """What belongs into ``params`` beside it: link, number of classes and the start (``base_score``).

        With these the booster predicts probabilities, and keeps doing so when it is saved and loaded.
        """
        start = {"base_score": base_score(self.start)}
        if len(self.classes) == 2:
            return {"objective": "binary:logistic", **start}
        return {"objective": "multi:softprob", "num_class": len(self.classes), **start}

    def evaluation(self, metric: str | None = None) -> Callable[..., tuple[str, float]]:
        """Metric for ``xgboost.train(custom_metric=...)``: the weighted mean loss, or a metric of Steelyard by name.

        It reads margins, which is what XGBoost hands to it beside a custom objective. XGBoost maximises only when
        told so: ``EarlyStopping(maximize=True)`` for a metric that is better when greater.
        """

        def evaluated(first: Any, second: Any, weight: Any = None) -> tuple[str, float]:
            return self._evaluated(first, second, weight, metric)[:2]

        return evaluated


def objective(strategy: str | Strategy, counts: Any, *, hessian_floor: float = HESSIAN_FLOOR) -> XGBoostObjective:
    """Objective of a strategy's weighting and loss, for ``xgboost.train(obj=...)`` or ``XGBClassifier(objective=...)``.

    Second derivatives are doubled for more than two classes, as XGBoost's own softmax objective does, and floored;
    see :class:`steelyard.models._margins.MarginLoss`.

    Parameters
    ----------
    strategy : str or Strategy
        Weighting and loss, as in ``"inverse + focal(gamma=2)"``.
    counts : LabelCounts or labels
        Anything :func:`steelyard.count_labels` takes; class k of XGBoost is the k-th class counted.
    hessian_floor : float, default 1
        Share of cross-entropy's second derivative under which none is let; above 0 and at most 1.

    Returns
    -------
    XGBoostObjective
        Called with margins and a ``DMatrix``, or labels and margins: gradient and second derivative, float64, in the
        margins' shape.

    Raises
    ------
    UsageError
        When another slot than weighting and loss is set, or the floor is outside its range.
    DataError
        When there are fewer than two classes.

    Examples
    --------
    >>> weighted = objective("inverse", ["a"] * 90 + ["b"] * 10)
    >>> gradient, hessian = weighted(np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    >>> gradient.round(3).tolist(), weighted.parameters
    ([-2.5, 0.278], {'objective': 'binary:logistic', 'base_score': 0.5})
    """
    return XGBoostObjective.of(strategy, counts, _factor, hessian_floor)


class XGBoostClassifier(TreeClassifier):
    """XGBoost trees for a weighting and a loss: a scikit-learn classifier that gives probabilities.

    Starts from the best constant, for the built-in and for other losses, and keeps the names of the classes.

    Parameters
    ----------
    strategy : str or Strategy, default "do_nothing"
        Weighting and loss; the rest of a strategy goes to
        :class:`steelyard.integrations.sklearn.StrategyClassifier`.
    n_estimators : int, default 100
    learning_rate : float, default 0.3
    max_depth : int, default 6
    min_child_weight : float, default 1
    hessian_floor : float, default 1
        As in :func:`objective`.
    params : mapping, optional
        Further parameters of XGBoost.
    random_state : int, RandomState or None
    n_jobs : int, optional
        Threads; None is 1, -1 is all.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    booster_ : xgboost.Booster

    Examples
    --------
    >>> X, y = np.arange(100.0).reshape(-1, 1), ["a"] * 80 + ["b"] * 20
    >>> model = XGBoostClassifier("inverse + focal(gamma=1)", n_estimators=5).fit(X, y)
    >>> model.predict([[0.0], [99.0]]).tolist()
    ['a', 'b']
    """

    note_name = "xgboost.v1"

    def __init__(
        self,
        strategy: str | Strategy = "do_nothing",
        *,
        n_estimators: int = 100,
        learning_rate: float = 0.3,
        max_depth: int = 6,
        min_child_weight: float = 1.0,
        hessian_floor: float = HESSIAN_FLOOR,
        params: Mapping[str, Any] | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.strategy = strategy
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.min_child_weight = min_child_weight
        self.hessian_floor = hessian_floor
        self.params = params
        self.random_state = random_state
        self.n_jobs = n_jobs

    def save(self, path: str | Path) -> Path:
        """Write XGBoost's own format with the class names in it: JSON for ``*.json``, else its binary form (UBJ).

        XGBoost itself reads it too, and predicts probabilities from it, in the order of ``classes_``.
        """
        path = Path(path)
        booster = self.booster_.copy()
        booster.set_attr(steelyard=self._note())
        with replacing(path) as temporary:
            temporary.write_bytes(booster.save_raw("json" if path.suffix == ".json" else "ubj"))
        return path

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Fitted classifier from a file that :meth:`save` wrote.

        Raises
        ------
        ArtifactError
            When it is no such file, or damaged.
        """
        xgboost = _library()
        try:
            booster = xgboost.Booster(model_file=bytearray(Path(path).read_bytes()))
        except xgboost.core.XGBoostError as error:
            raise ArtifactError(f"{path} is no XGBoost model: {str(error).splitlines()[0]}") from None
        return cls._from_note(booster.attr("steelyard"), booster, path)

    def _factor(self, n_classes: int) -> float:
        return _factor(n_classes)

    def _train(self, X: Any, codes: NDArray[np.int64], weight: Array, n_classes: int, loss: MarginLoss | None) -> Any:
        _library()
        parameters = {
            "learning_rate": self.learning_rate,
            "max_depth": self.max_depth,
            "min_child_weight": self.min_child_weight,
            "tree_method": "hist",
            "seed": self._seed(),
            "nthread": _threads(self.n_jobs),
            "verbosity": 0,
            **(self.params or {}),
        }
        return train(X, codes, weight, n_classes, parameters, self.n_estimators, loss=loss)

    def _margins(self, X: Any) -> Array:
        xgboost = _library()
        rows = xgboost.DMatrix(X, nthread=_threads(self.n_jobs))
        return np.asarray(self.booster_.predict(rows, output_margin=True), dtype=np.float64)


def _factor(n_classes: int) -> float:
    return HESSIAN_FACTOR if n_classes > 2 else 1.0


def _threads(n_jobs: int | None) -> int:
    return 1 if n_jobs is None else max(n_jobs, 0)


def _library() -> Any:
    try:
        import xgboost
    except Exception:  # a library that cannot be loaded raises an error of XGBoost's own
        raise MissingExtraError("boost", "XGBoostClassifier") from None
    return xgboost

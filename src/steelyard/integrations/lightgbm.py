"""LightGBM: objectives that are right, and a classifier that gives probabilities.

With a custom objective LightGBM starts from 0, applies no weights, and returns margins where probabilities are
expected. Here the objective weighs, knows where to start, and says how margins become probabilities.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import ArtifactError, MissingExtraError
from steelyard.files import write_text
from steelyard.integrations._classifier import TreeClassifier
from steelyard.integrations._objective import Objective
from steelyard.models._lightgbm import hessian_factor, train
from steelyard.models._margins import HESSIAN_FLOOR, MarginLoss
from steelyard.strategy import Strategy

__all__ = ["LightGBMClassifier", "LightGBMObjective", "objective"]

Array = NDArray[np.float64]
_NOTE = "steelyard_note="


class LightGBMObjective(Objective):
    """Objective for ``lightgbm.train`` and ``LGBMClassifier``; made by :func:`objective`."""

    def init_score(self, n_rows: int) -> Array:
        """Start as ``lightgbm.Dataset(init_score=...)`` takes it: (n_rows,), or (n_rows, n_classes) for more than two.

        LightGBM does not keep it: add ``start`` to the margins it predicts.
        """
        return np.tile(self.start, n_rows) if len(self.start) == 1 else np.tile(self.start, (n_rows, 1))

    def evaluation(self, metric: str | None = None) -> Callable[..., tuple[str, float, bool]]:
        """Metric for ``feval`` or ``eval_metric``: the weighted mean loss, or a metric of Steelyard by name.

        It reads margins, so it belongs to this objective and not to one of LightGBM's own.
        """

        def evaluated(first: Any, second: Any, weight: Any = None) -> tuple[str, float, bool]:
            return self._evaluated(first, second, weight, metric)

        return evaluated


def objective(strategy: str | Strategy, counts: Any, *, hessian_floor: float = HESSIAN_FLOOR) -> LightGBMObjective:
    """Objective of a strategy's weighting and loss, for ``params["objective"]`` or ``LGBMClassifier(objective=...)``.

    Second derivatives are multiplied by k / (k - 1) for k > 2 classes, as LightGBM's own softmax objective does, and
    floored; see :class:`steelyard.models._margins.MarginLoss`.

    Parameters
    ----------
    strategy : str or Strategy
        Weighting and loss, as in ``"inverse + focal(gamma=2)"``.
    counts : LabelCounts or labels
        Anything :func:`steelyard.count_labels` takes; class k of LightGBM is the k-th class counted.
    hessian_floor : float, default 1
        Share of cross-entropy's second derivative under which none is let; above 0 and at most 1.

    Returns
    -------
    LightGBMObjective
        Called with margins and a ``Dataset``, or labels and margins: gradient and second derivative, float64, in the
        margins' shape.

    Raises
    ------
    UsageError
        When another slot than weighting and loss is set, or the floor is outside its range.
    DataError
        When there are fewer than two classes.

    References
    ----------
    Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017. Menon et al., "Long-tail learning via logit
    adjustment", ICLR 2021.

    Examples
    --------
    >>> focal = objective("inverse + focal(gamma=2)", [0] * 90 + [1] * 10)
    >>> gradient, hessian = focal(np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    >>> gradient.round(3).tolist(), hessian.round(3).tolist(), focal.start.round(3).tolist()
    ([-1.491, 0.166], [1.996, 0.222], [0.0])
    """
    return LightGBMObjective.of(strategy, counts, hessian_factor, hessian_floor)


class LightGBMClassifier(TreeClassifier):
    """LightGBM trees for a weighting and a loss: a scikit-learn classifier that gives probabilities.

    Starts from the best constant, for the built-in and for other losses, and trains repeatably.

    Parameters
    ----------
    strategy : str or Strategy, default "do_nothing"
        Weighting and loss; the rest of a strategy goes to
        :class:`steelyard.integrations.sklearn.StrategyClassifier`.
    n_estimators : int, default 100
    learning_rate : float, default 0.1
    num_leaves : int, default 31
    min_child_samples : int, default 20
    hessian_floor : float, default 1
        As in :func:`objective`.
    params : mapping, optional
        Further parameters of LightGBM.
    random_state : int, RandomState or None
    n_jobs : int, optional
        Threads; None is 1, -1 is all.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    booster_ : lightgbm.Booster

    Examples
    --------
    >>> X, y = np.arange(100.0).reshape(-1, 1), ["a"] * 80 + ["b"] * 20
    >>> model = LightGBMClassifier("inverse + focal(gamma=1)", n_estimators=5).fit(X, y)
    >>> model.predict([[0.0], [99.0]]).tolist()
    ['a', 'b']
    """

    note_name = "lightgbm.v1"

    def __init__(
        self,
        strategy: str | Strategy = "do_nothing",
        *,
        n_estimators: int = 100,
        learning_rate: float = 0.1,
        num_leaves: int = 31,
        min_child_samples: int = 20,
        hessian_floor: float = HESSIAN_FLOOR,
        params: Mapping[str, Any] | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.strategy = strategy
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.min_child_samples = min_child_samples
        self.hessian_floor = hessian_floor
        self.params = params
        self.random_state = random_state
        self.n_jobs = n_jobs

    def save(self, path: str | Path) -> Path:
        """Write LightGBM's text model with the class names in it.

        LightGBM itself reads it too, and predicts probabilities from it, in the order of ``classes_``.
        """
        n = len(self.classes_)
        text = self.booster_.model_to_string()
        if "\nobjective=" not in text:
            # LightGBM leaves this line out for an objective of others, and would then predict margins.
            name = "binary sigmoid:1" if n == 2 else f"multiclass num_class:{n}"
            text = text.replace("\nfeature_names=", f"\nobjective={name}\nfeature_names=", 1)
        # Lines between the parameters and the last one are skipped by LightGBM.
        head, end, last = text.rpartition("\npandas_categorical")
        write_text(Path(path), f"{head}\n{_NOTE}{self._note()}{end}{last}")
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Fitted classifier from a file that :meth:`save` wrote.

        Raises
        ------
        ArtifactError
            When it is no such file, or damaged.
        """
        lightgbm = _library()
        try:
            text = Path(path).read_text(encoding="utf-8")
            booster = lightgbm.Booster(model_str=text)
        except (UnicodeDecodeError, lightgbm.basic.LightGBMError) as error:
            raise ArtifactError(f"{path} is no LightGBM model: {error}") from None
        notes = [line.removeprefix(_NOTE) for line in text.splitlines() if line.startswith(_NOTE)]
        return cls._from_note(notes[-1] if notes else None, booster, path)

    def _factor(self, n_classes: int) -> float:
        return hessian_factor(n_classes)

    def _train(self, X: Any, codes: NDArray[np.int64], weight: Array, n_classes: int, loss: MarginLoss | None) -> Any:
        _library()
        parameters = {
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "min_data_in_leaf": self.min_child_samples,
            "seed": self._seed(),
            "num_threads": _threads(self.n_jobs),
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
            **(self.params or {}),
        }
        return train(X, codes, weight, n_classes, parameters, self.n_estimators, loss=loss)

    def _margins(self, X: Any) -> Array:
        with warnings.catch_warnings():
            # LightGBM converts what it cannot read as it is, and says so each time.
            warnings.filterwarnings("ignore", message="Converting data to scipy sparse matrix")
            margins = self.booster_.predict(X, raw_score=True, num_threads=_threads(self.n_jobs))
        return np.asarray(margins, dtype=np.float64)


def _threads(n_jobs: int | None) -> int:
    return 1 if n_jobs is None else max(n_jobs, 0)


def _library() -> Any:
    try:
        import lightgbm
    except (ImportError, OSError):
        raise MissingExtraError("boost", "LightGBMClassifier") from None
    return lightgbm

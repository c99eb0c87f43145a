"""``run_study``: the main job from Python."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

from steelyard.api.collections import text_encoder
from steelyard.api.prepare import FoldOptions, RawTable, prepare
from steelyard.api.result import StudyResult
from steelyard.blend import auto_trainings
from steelyard.component import split_outside
from steelyard.data import frame_from
from steelyard.data.cost_matrix import read_cost_matrix
from steelyard.engine import EngineData
from steelyard.errors import UsageError
from steelyard.metrics import MeanCost, Metric, get_metric
from steelyard.models import parse_models
from steelyard.progress import StudyProgress
from steelyard.strategy import Strategy, parse_strategies
from steelyard.study import AUTO, Arm, BlendArm, DataFacts, Progress, StudyPlan, check_arms, execute, make_arms
from steelyard.study.tuning import METHODS, Tuning, arms_to_search, dimensions

DEFAULT_MODELS = "linear, mlp, boosting"
#: For folders of files, which are described by many columns in a few families.
FOLDER_MODELS = f"{DEFAULT_MODELS}, additive_kernel"
DEFAULT_STRATEGIES = "standard"
DEFAULT_METRIC = "macro_f1"


def run_study(
    X: Any,
    y: Any,
    *,
    models: Any = DEFAULT_MODELS,
    strategies: str | Iterable[str | Strategy] = DEFAULT_STRATEGIES,
    metric: str | Metric = DEFAULT_METRIC,
    folds: int = 5,
    repeats: int = 1,
    groups: Any = None,
    fold_column: Any = None,
    task: str | None = None,
    label_separator: str | None = None,
    encoder: str | None = None,
    duplicates: str | None = None,
    random_state: int = 0,
    n_jobs: int = 1,
    time_limit: float | None = None,
    tune: str | None = None,
    trials: int | None = None,
    patience: int = 10,
    progress: Progress | bool | None = None,
) -> StudyResult:
    """Compare ways of treating rare classes on your data.

    Every strategy is tried on every model, each row is predicted by models that never saw it, and the best arm is
    judged on rows that did not choose it.

    Parameters
    ----------
    X : data frame or array of shape (n_rows, n_columns)
        Raw rows: polars, pandas or another data frame, or an array. Text columns are categories; missing values
        are fine.
    y : array-like of shape (n_rows,), or several labels a row
        Labels of any kind; rows whose label is missing are left out. Several labels a row are a matrix or table of
        shape (n_rows, n_labels) that holds 0, 1 and NaN (not known), or a list of labels for each row.
    models : str, model, classifier, or iterable of these
        For example ``"linear, boosting(learning_rate=0.05)"`` or scikit-learn classifiers. ``"auto"`` adds one arm: a
        mixture of about a dozen, as in :class:`steelyard.SteelyardClassifier`.
    strategies : str or iterable
        A preset (``"standard"``, ``"quick"``), ``"s1; s2"``, or strategies. Doing nothing is always added. ``"auto"``
        adds the same mixture.
    metric : str
        What arms are ranked by, such as ``"macro_f1"`` or ``"balanced_accuracy"``.
    folds, repeats : int
        Folds of the cross-validation, and how often it is repeated with other folds.
    groups : array-like of shape (n_rows,), optional
        Rows of one group stay in one fold.
    fold_column : array-like of shape (n_rows,), optional
        Fold of each row, instead of ``folds``.
    task : {"binary", "multiclass", "multilabel"}, optional
        Inferred when left out. Numbers that look like a quantity are taken as classes only where it is given.
    label_separator : str, optional
        What stands between the labels of a row, where ``y`` holds texts that name several, as in ``"joy|love"``.
    encoder : str, optional
        Folder, or name in the Hugging Face cache, of a Transformers model whose embeddings stand for the texts.
    duplicates : {"keep", "group"}, optional
        Whether equal rows share a fold; decided from the data by default.
    random_state : int
        Seed; the same seed gives the same result, whatever ``n_jobs``.
    n_jobs : int
        Processes.
    time_limit : float, optional
        Seconds for the fits; arms that are not finished by then are left out, and said in the record.
    tune : {"grid", "random", "bayes"}, optional
        Search the values that strategies and models leave open, as in ``"focal(gamma=?)"``, ``"mlp(hidden=32|64)"``
        or ``"linear(C=0.01..10)"``, inside the training rows of each fold. Where none is marked, every value at its
        default is searched whose range is declared.
    trials : int, optional
        Trials of each search, 25 by default; for a grid the most points it may have, 100 by default.
    patience : int, default 10
        A search ends when so many trials in a row brought nothing better.
    progress : callable or True, optional
        Called as ``progress(done, total, model)`` after each fit. True shows a bar on a terminal, and a line now and
        then elsewhere, as in a notebook.

    Returns
    -------
    StudyResult

    Raises
    ------
    UsageError
        When an argument is wrong.
    DataError
        When the data cannot be studied: one class, no labels, an infinite value, a target that is a quantity.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = np.array(["common"] * 90 + ["rare"] * 10)
    >>> X = rng.normal(size=(100, 2)) + 2.0 * (y == "rare")[:, None]
    >>> result = run_study(X, y, models="linear", strategies="do_nothing; inverse; threshold")
    >>> result.leaderboard.columns[:4]
    ['rank', 'strategy', 'model', 'score']
    >>> result.fit().predict(X[:2]).tolist()
    ['common', 'common']
    """
    table = RawTable(
        frame_from(X),
        y,
        groups=groups,
        folds=fold_column,
        task=task,
        label_separator=label_separator,
        encoder=text_encoder(encoder),
    )
    options = FoldOptions(folds, repeats, random_state, duplicates)
    tuning = tuning_from(tune, trials, patience)
    plan_for = plan_maker(models, strategies, metric, time_limit, tuning)
    data, facts = prepare(table, options)
    plan = check_arms(plan_for(data.n_classes, data.multilabel, len(data.codes)), data)
    if progress is True:
        with StudyProgress() as shown:
            return study_prepared(plan, data, facts, n_jobs=n_jobs, progress=shown)
    return study_prepared(plan, data, facts, n_jobs=n_jobs, progress=progress or None)


def tuning_from(method: str | None, trials: int | None = None, patience: int = 10) -> Tuning | None:
    """How values are searched, or None where they are not.

    Raises
    ------
    UsageError
        When an argument is wrong, or trials are given without a method.
    """
    if method is None:
        if trials is not None:
            raise UsageError(f"--trials {trials} needs --tune {', '.join(METHODS[:-1])} or {METHODS[-1]}")
        return None
    return Tuning(method, trials, patience)


def default_models(data: Path) -> str:
    """Models of a study of a file or a folder where none are named."""
    return FOLDER_MODELS if data.is_dir() else DEFAULT_MODELS


def cost_metric(path: Path) -> Metric:
    """The mean cost under a cost matrix in a file; see :func:`steelyard.data.cost_matrix.read_cost_matrix`."""
    return MeanCost(read_cost_matrix(path))


class plan_maker:  # noqa: N801  # reads as the function it is
    """Plan of a study once the number of classes is known; names are checked at once, before any data."""

    def __init__(
        self,
        models: Any,
        strategies: str | Iterable[str | Strategy],
        metric: str | Metric,
        time_limit: float | None = None,
        tuning: Tuning | None = None,
    ) -> None:
        if time_limit is not None and not time_limit > 0:
            raise UsageError(f"time_limit must be above 0 seconds, not {time_limit!r}")
        self.time_limit, self.tuning = time_limit, tuning
        named_models, mixed_models = without_auto(models, ",")
        named_strategies, mixed_strategies = without_auto(strategies, ";")
        self.mixed = mixed_models or mixed_strategies
        # Beside a mixture there is something to compare it with: at the least the usual models, doing nothing.
        self.models = parse_models(DEFAULT_MODELS if named_models is None else named_models)
        self.metric = get_metric(metric) if isinstance(metric, str) else metric
        self.strategies = "do_nothing" if named_strategies is None else named_strategies
        self._check_open(parse_strategies(self.strategies, 2))

    def __call__(self, n_classes: int, multilabel: bool = False, n_rows: int = 0) -> StudyPlan:
        """Plan for that number of classes, or of labels, and of rows, on which the members of a mixture depend.

        Raises
        ------
        UsageError
            When a mixture is asked for where rows may have several labels.
        """
        strategies = parse_strategies(self.strategies, n_classes, multilabel)
        arms, left_out = make_arms(strategies, self.models, multilabel)
        if self.tuning:
            arms = arms_to_search(arms, self.tuning)
        mixtures = (mixture_arm(n_rows, n_classes, multilabel),) if self.mixed else ()
        return StudyPlan((*arms, *mixtures), self.metric, left_out, self.time_limit, self.tuning)

    def _check_open(self, strategies: Iterable[Strategy]) -> None:
        if self.tuning:
            return
        for strategy, model in product((Strategy(), *strategies), self.models):
            if opened := dimensions(Arm(strategy, model)):
                raise UsageError(
                    f"{opened[0].name} is left open in {Arm(strategy, model).id}: say how to search it with "
                    f"--tune {', '.join(METHODS[:-1])} or {METHODS[-1]}, or write a value"
                )


def mixture_arm(n_rows: int, n_classes: int, multilabel: bool = False) -> BlendArm:
    """The arm ``auto``: a mixture of what may be good on so many rows and classes.

    Raises
    ------
    UsageError
        Where rows may have several labels.
    """
    if multilabel:
        raise UsageError("auto mixes arms for one label a row, and here rows may have several; name models instead")
    return BlendArm(tuple(auto_trainings("full", n_rows, n_classes)))


def without_auto(given: Any, separator: str) -> tuple[Any, bool]:
    """What is named beside ``auto`` (None for nothing), and whether ``auto`` is named.

    Examples
    --------
    >>> without_auto("linear, auto", ","), without_auto("auto", ","), without_auto("standard", ";")
    ((['linear'], True), (None, True), ('standard', False))
    """
    if isinstance(given, str):
        parts = split_outside(given, separator)
    elif hasattr(given, "fit") or not isinstance(given, Iterable):
        return given, False
    else:
        parts = list(given)
    others = [part for part in parts if str(part).strip() != AUTO]
    if len(others) < len(parts):
        return others or None, True
    return (given if isinstance(given, str) else tuple(parts)), False


def study_prepared(
    plan: StudyPlan,
    data: EngineData,
    facts: DataFacts,
    *,
    n_jobs: int = 1,
    ledger: Path | None = None,
    progress: Progress | None = None,
    command: str | None = None,
) -> StudyResult:
    """Run a plan that ``check_arms`` gave; a negative ``n_jobs`` counts from all processors, as in scikit-learn."""
    outcome = execute(plan, data, facts, n_jobs=processes(n_jobs), ledger=ledger, progress=progress)
    return StudyResult(outcome, command)


def processes(n_jobs: int) -> int:
    """Number of processes that ``n_jobs`` stands for: negative numbers count back from all processors.

    Examples
    --------
    >>> processes(3), processes(-1) >= 1
    (3, True)
    """
    if n_jobs == 0:
        raise UsageError("--jobs must not be 0: a number of processes, or -1 for one for each processor")
    return n_jobs if n_jobs > 0 else max(1, (os.cpu_count() or 1) + 1 + n_jobs)

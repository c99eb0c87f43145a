"""Fits, in this process or in others, that can be given up when time is up."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from steelyard.engine import EngineData, FittedPipeline, Training, fit_pipeline
from steelyard.features import TableMatrix, TableSchema

#: The fold of a fit on all rows.
ALL_ROWS = -1


@dataclass(frozen=True)
class Fit:
    """One fit: an arm, and the fold that it scores, or ``ALL_ROWS``."""

    arm: int
    training: Training
    repeat: int = 0
    fold: int = ALL_ROWS


@dataclass(frozen=True)
class FitResult:
    """What a fit gave: scores of its fold, or a pipeline trained on all rows."""

    fit: Fit
    proba: NDArray[np.float32] | None
    pipeline: FittedPipeline | None
    seconds: float


def run_fit(data: EngineData, fit: Fit) -> FitResult:
    """Train; score the fold, or keep what was trained on all rows."""
    started = time.perf_counter()
    everything = fit.fold == ALL_ROWS
    rows = np.arange(len(data.codes)) if everything else data.train_rows(fit.repeat, fit.fold)
    seed = np.random.SeedSequence([data.seed, fit.repeat, fit.fold + 1]).generate_state(1)[0] >> 1
    weight = None if data.row_weight is None else data.row_weight[rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix, codes = data.matrix.take(rows), data.codes[rows]
        pipeline = fit_pipeline(fit.training, matrix, data.schema, codes, data.classes, int(seed), weight)
        proba = None if everything else _scores(pipeline, data.matrix.take(data.score_rows(fit.repeat, fit.fold)))
    return FitResult(fit, proba, pipeline if everything else None, time.perf_counter() - started)


def _scores(pipeline: FittedPipeline, matrix: TableMatrix) -> NDArray[np.float32]:
    return pipeline.predict_proba(matrix).astype(np.float32)


class Runner(Protocol):
    """Takes fits and gives their results."""

    #: Fits that are under way at once.
    width: int

    def submit(self, fit: Fit) -> None:
        """Take up a fit."""

    def next(self, timeout: float | None) -> FitResult | None:
        """A finished fit; None when the time is over or nothing is under way."""

    def abandon(self) -> None:
        """Give up the fits that are under way; later ones run in this process."""


class Inline:
    """Runs a fit when its result is asked for."""

    width = 1

    def __init__(self, data: EngineData) -> None:
        self.data, self.queue = data, list[Fit]()

    def submit(self, fit: Fit) -> None:
        """Take up a fit."""
        self.queue.append(fit)

    def next(self, timeout: float | None) -> FitResult | None:
        """Result of the fit that was taken up first."""
        return run_fit(self.data, self.queue.pop(0)) if self.queue else None

    def abandon(self) -> None:
        """Forget the fits that were not begun."""
        self.queue.clear()


class Processes:
    """Runs fits in worker processes that read the rows from files, mapped into memory once for all."""

    def __init__(self, executor: Any, folder: Path, data: EngineData, width: int) -> None:
        self.executor, self.folder, self.width = executor, folder, width
        nothing = TableMatrix(np.zeros((0, 0)), np.zeros((0, 0), dtype=np.int32))
        no_rows = np.zeros(0, dtype=np.int64)
        self.outline = replace(data, matrix=nothing, codes=no_rows, folds=no_rows[None], row_weight=None)
        self.pending: set[Future[FitResult]] = set()
        self.data = data
        self.inline: Inline | None = None

    def submit(self, fit: Fit) -> None:
        """Take up a fit."""
        if self.inline is not None:
            self.inline.submit(fit)
            return
        self.pending.add(self.executor.submit(_in_worker, str(self.folder), self.outline, fit))

    def next(self, timeout: float | None) -> FitResult | None:
        """A finished fit; None when none is finished in time."""
        if self.inline is not None:
            return self.inline.next(timeout)
        if not self.pending:
            return None
        done, _ = wait(self.pending, timeout=timeout, return_when=FIRST_COMPLETED)
        if not done:
            return None
        first = done.pop()
        self.pending.discard(first)
        return first.result()

    def abandon(self) -> None:
        """End the processes of fits that are under way: a fit cannot be interrupted."""
        if any([not future.cancel() for future in self.pending]):  # noqa: C419  # all are to be cancelled
            self.executor.shutdown(wait=False, kill_workers=True)
        self.pending.clear()
        # New processes would take seconds to start, and there are none left.
        self.inline = Inline(self.data)


@contextmanager
def runner(data: EngineData, n_jobs: int, *, stoppable: bool) -> Iterator[Runner]:
    """What runs the fits; with ``stoppable``, or several jobs, in processes of their own.

    Fits that are still under way when the block ends are given up.
    """
    if n_jobs == 1 and not stoppable:
        yield Inline(data)
        return
    from joblib.externals.loky import get_reusable_executor

    folder = Path(tempfile.mkdtemp(prefix="steelyard-"))
    try:
        _write(folder, data)
        executor = get_reusable_executor(max_workers=n_jobs, timeout=300)
        running = Processes(executor, folder, data, n_jobs)
        yield running
        running.abandon()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_ARRAYS: dict[str, Callable[[EngineData], NDArray[Any] | None]] = {
    "numeric": lambda data: data.matrix.numeric,
    "codes": lambda data: data.matrix.codes,
    "target": lambda data: data.codes,
    "folds": lambda data: data.folds,
    "weight": lambda data: data.row_weight,
}


def _write(folder: Path, data: EngineData) -> None:
    for name, part in _ARRAYS.items():
        values = part(data)
        if values is not None:
            np.save(folder / f"{name}.npy", values, allow_pickle=False)
    for place, counts in enumerate(data.matrix.text):
        from scipy.sparse import save_npz

        save_npz(folder / f"text{place}.npz", counts, compressed=False)
    (folder / "schema.json").write_text(json.dumps(data.schema.to_dict()), encoding="utf-8")


@lru_cache(maxsize=1)
def _read(folder: str) -> dict[str, NDArray[Any]]:
    paths = {name: Path(folder) / f"{name}.npy" for name in _ARRAYS}
    return {name: np.load(path, mmap_mode="r") for name, path in paths.items() if path.exists()}


@lru_cache(maxsize=1)
def _read_text(folder: str) -> tuple[Any, ...]:
    from scipy.sparse import load_npz

    places = range(len(list(Path(folder).glob("text*.npz"))))
    return tuple(load_npz(Path(folder) / f"text{place}.npz") for place in places)


@lru_cache(maxsize=1)
def _read_schema(folder: str) -> TableSchema:
    return TableSchema.from_dict(json.loads((Path(folder) / "schema.json").read_text(encoding="utf-8")))


def _in_worker(folder: str, outline: EngineData, fit: Fit) -> FitResult:
    arrays = _read(folder)
    matrix = TableMatrix(arrays["numeric"], arrays["codes"], _read_text(folder))
    data = replace(
        outline,
        matrix=matrix,
        schema=_read_schema(folder),
        codes=arrays["target"],
        folds=arrays["folds"],
        row_weight=arrays.get("weight"),
    )
    return run_fit(data, fit)

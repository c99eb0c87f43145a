"""The whole ``standard`` study of ``linear,mlp`` against its arms in scikit-learn and imbalanced-learn.

    python benchmarks/whole_study.py [--tables mammography,yeast] [--repeats 3] [--folds 5] [--cold]

Ours is the command itself, from start to finished report, two processes. The peers train those arms that they have, on
the same five folds' worth of rows under joblib with two processes, and predict each fold: LogisticRegression and
MLPClassifier (as many passes as ours made on average) with no weights, class_weight="balanced", the same square-root
and effective-number weights, RandomOverSampler, and, with two classes, TunedThresholdClassifierCV without and with
balanced weights. With ``--folds`` below 5 they train only so many, and what those take beyond their start is scaled
up. They write no report and make no intervals. Runs alternate; time is that of the clock and of all
processors, memory the sum of the largest resident sizes of all processes. The tables lie beside the repository.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

TABLES = Path(__file__).resolve().parents[2] / "shared" / "data" / "tabular"
JOBS, FOLDS = 2, 5
KEYS = ("seconds", "processor seconds", "MB")


def rows_of(name: str) -> tuple[np.ndarray, np.ndarray]:
    import polars as pl

    frame = pl.read_csv(TABLES / f"{name}.csv")
    codes = np.unique(frame["class"].cast(pl.String).to_numpy(), return_inverse=True)[1]
    return frame.drop("class").to_numpy().astype(float), codes


def arms(y: np.ndarray) -> list[str]:
    plain = ["do_nothing", "inverse", "sqrt", "effective_number", "balanced"]
    return plain + (["threshold", "inverse + threshold"] if len(np.unique(y)) == 2 else [])


def class_weights(arm: str, y: np.ndarray) -> dict[Any, float] | None:
    names, counts = np.unique(y, return_counts=True)
    made = {
        "inverse": 1.0 / counts,
        "sqrt": 1.0 / np.sqrt(counts),
        "effective_number": (1 - 0.999) / (1 - 0.999**counts),
    }.get(arm.split(" + ")[0])
    return None if made is None else dict(zip(names, made * len(y) / (made * counts).sum(), strict=True))


def peer_fit(X: np.ndarray, y: np.ndarray, arm: str, model: str, passes: int, train: Any, score: Any) -> Any:
    """One arm on one fold, as one writes it."""
    import warnings

    from imblearn.over_sampling import RandomOverSampler
    from sklearn import config_context
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score, make_scorer
    from sklearn.model_selection import TunedThresholdClassifierCV
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler

    from steelyard.models._training import batch_size

    warnings.simplefilter("ignore")
    scaler = StandardScaler().fit(X[train])
    X_train, y_train = scaler.transform(X[train]), y[train]
    if arm == "balanced":
        X_train, y_train = RandomOverSampler(random_state=0).fit_resample(X_train, y_train)
    weights = class_weights(arm, y_train)
    fitted: Any = LogisticRegression(max_iter=300)
    if model == "mlp":
        size = batch_size(len(train))
        fitted = MLPClassifier((64,), batch_size=size, max_iter=passes, tol=0.0, n_iter_no_change=passes)
    given = {} if weights is None else {"sample_weight": np.array([weights[name] for name in y_train])}
    with config_context(enable_metadata_routing=True):
        if arm.endswith("threshold"):
            macro_f1 = make_scorer(f1_score, average="macro").set_score_request(sample_weight=False)
            fitted = fitted.set_fit_request(sample_weight=True)
            fitted = TunedThresholdClassifierCV(fitted, scoring=macro_f1, random_state=0)
        return fitted.fit(X_train, y_train, **given).predict_proba(scaler.transform(X[score]))


def start() -> None:
    """What a worker of the peers loads before its first fit."""
    import imblearn.over_sampling  # noqa: F401
    import sklearn.linear_model
    import sklearn.neural_network  # noqa: F401


def peers(name: str, passes: int, without_tuning: bool, n_folds: int) -> None:
    from joblib import Parallel, delayed
    from sklearn.model_selection import KFold

    X, y = rows_of(name)
    if not n_folds:
        Parallel(n_jobs=JOBS)(delayed(start)() for _ in range(JOBS))
    folds = list(KFold(FOLDS, shuffle=True, random_state=0).split(X))[:n_folds]
    wanted = [arm for arm in arms(y) if not (without_tuning and arm.endswith("threshold"))]
    jobs = [(arm, model, passes, *fold) for model in ("linear", "mlp") for arm in wanted for fold in folds]
    Parallel(n_jobs=JOBS)(delayed(peer_fit)(X, y, *job) for job in jobs)


def passes_of(name: str) -> int:
    """Mean number of passes of our networks."""
    from steelyard.cli.main import run
    from steelyard.models import _engines

    learned: dict[int, int] = {}
    kept = []
    for engine in (_engines.CompiledEngine, _engines.NumpyEngine):

        def learn(self: Any, *given: Any, plain: Any = engine.learn) -> None:
            kept.append(self)  # so that its id stays its own
            learned[id(self)] = learned.get(id(self), 0) + 1
            plain(self, *given)

        engine.learn = learn  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        sys.argv = study(name, folder)
        with contextlib.suppress(SystemExit):
            run()
    return round(statistics.mean(learned.values()))


def study(name: str, folder: str) -> list[str]:
    command = f"study {TABLES / name}.csv --target class --models linear,mlp --jobs {JOBS} --seed 0"
    return ["steelyard", *command.split(), "--out", f"{folder}/study"]


def measured(command: list[str], environment: dict[str, str] | None = None) -> dict[str, float]:
    """Time of a command, and the sum of the largest sizes of its processes."""
    largest: dict[int, int] = {}
    before, begin = os.times(), time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    while process.poll() is None:
        for pid in family(process.pid):
            largest[pid] = max(largest.get(pid, 0), size_of(pid))
        time.sleep(0.1)
    after, seconds = os.times(), time.perf_counter() - begin
    assert process.returncode == 0, command
    spent = after.children_user - before.children_user + after.children_system - before.children_system
    return dict(zip(KEYS, (seconds, spent, sum(largest.values()) / 1024), strict=True))


def family(first: int) -> list[int]:
    found = [first]
    for pid in found:
        try:
            tasks = list(Path(f"/proc/{pid}/task").iterdir())
            found += [int(child) for task in tasks for child in (task / "children").read_text().split()]
        except OSError:
            continue  # it has ended
    return found


def size_of(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def of_all_folds(command: list[str], n_folds: int) -> dict[str, float]:
    """Time of the peers' run on all folds, from one on some of them and one on none."""
    some = measured([*command, "--folds", str(n_folds)])
    if n_folds == FOLDS:
        return some
    none = measured([*command, "--folds", "0"])
    scaled = {key: none[key] + (some[key] - none[key]) * FOLDS / n_folds for key in KEYS[:2]}
    return {**some, **scaled}


def compare(name: str, repeats: int, n_folds: int, cold: bool) -> None:
    me = [sys.executable, __file__, "--tables", name]
    out = subprocess.run([*me, "--side", "passes"], capture_output=True, text=True, check=True).stdout
    passes = out.splitlines()[-1]
    print(f"\n{name}: networks pass {passes} times over their rows on average")
    command, their = [sys.executable, "-m"], [*me, "--side", "peers", "--passes", passes]
    runs: dict[str, Any] = {
        "steelyard study, report and all": lambda folder: measured([*command, *study(name, folder)]),
        "peers, all arms they have": lambda _: of_all_folds(their, n_folds),
        "peers, without tuned thresholds": lambda _: of_all_folds([*their, "--untuned"], n_folds),
    }
    if len(np.unique(rows_of(name)[1])) > 2:
        del runs["peers, without tuned thresholds"]  # they have none for more classes
    found: dict[str, list[dict[str, float]]] = {key: [] for key in runs}
    for _ in range(repeats):
        for key, made in runs.items():
            with tempfile.TemporaryDirectory() as folder:
                found[key].append(made(folder))
    first = next(iter(found.values()))
    for key, taken in found.items():
        parts = []
        for what in KEYS:
            ratio = statistics.median(b[what] / a[what] for a, b in zip(first, taken, strict=True))
            parts.append(f"{statistics.median(run[what] for run in taken):8.1f} {what} ({ratio:.2f}x)")
        print(f"  {key:<34}" + "  ".join(parts), flush=True)
    if cold:
        with tempfile.TemporaryDirectory() as folder:
            once = measured([*command, *study(name, folder)], {**os.environ, "NUMBA_CACHE_DIR": folder + "/numba"})
        print("  with nothing in Numba's cache     " + "  ".join(f"{once[what]:8.1f} {what}" for what in KEYS))
    print(f"  load of the machine: {os.getloadavg()[0]:.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", default="mammography,yeast")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folds", type=int, default=FOLDS, help="folds the peers train")
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--side", choices=["peers", "passes"], help=argparse.SUPPRESS)
    parser.add_argument("--passes", type=int, default=20, help=argparse.SUPPRESS)
    parser.add_argument("--untuned", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not TABLES.is_dir():
        raise SystemExit(f"{TABLES} is not there: the tables lie beside the repository")
    if given.side == "peers":
        peers(given.tables, given.passes, given.untuned, given.folds)
    elif given.side == "passes":
        print(passes_of(given.tables))
    else:
        for name in given.tables.split(","):
            compare(name, given.repeats, given.folds, given.cold)


if __name__ == "__main__":
    main()

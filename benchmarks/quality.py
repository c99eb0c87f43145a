"""Quality of the classifier beside peers on real tables: mean rank and mean of five metrics, from one fit each.

    python benchmarks/quality.py --out quality.json                  # all tables (an hour on two cores)
    python benchmarks/quality.py --out quality.json --only glass,pc1 # some
    python benchmarks/quality.py --out quality.json --table          # what is there already, as a table

The tables, the peers' figures and the scoring lie beside the repository, in ../shared; every method sees the same outer
folds. A run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

BENCH = Path(__file__).resolve().parents[2] / "shared" / "bench"
#: Metric -> its name in the peers' figures.
AIMS = {
    "macro_f1": "macro_f1",
    "balanced_accuracy": "balanced_accuracy",
    "mcc": "mcc",
    "average_precision": "macro_ap",
    "min_recall": "min_recall",
}


def scoring() -> Any:
    """The module that loads tables and scores predictions, as it did for the peers."""
    if not BENCH.is_dir():
        raise SystemExit(f"{BENCH} is not there: the tables and the peers' figures lie beside the repository")
    spec = importlib.util.spec_from_file_location("peer_quality", BENCH / "quality.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(out: Path, only: list[str], settings: dict[str, Any], processor_time: bool) -> None:
    """Fit and score every table that is asked for and not in ``out`` yet, the smallest first."""
    import steelyard as sy

    peer = scoring()
    if processor_time:
        # On a machine that has other work the clock says little.
        peer.time = SimpleNamespace(perf_counter=time.process_time)
    found = json.loads(out.read_text()) if out.exists() else {}
    tables = {name: peer.load("dev", name) for name in peer.names("dev") if not only or name in only}
    for name in sorted(tables, key=lambda name: len(tables[name][1]) * tables[name][1].nunique()):
        if f"dev/{name}/steelyard[mcc]" in found:
            continue
        X, y = tables[name]
        started = time.perf_counter()
        scored = peer.evaluate(
            lambda _: sy.SteelyardClassifier(random_state=0, **settings), X, y.to_numpy().astype(str)
        )
        found |= {f"dev/{name}/steelyard{aim}": values for aim, values in scored.items()}
        out.write_text(json.dumps(found, indent=0))
        print(f"{name}: {time.perf_counter() - started:.0f} s", flush=True)


def report(out: Path) -> None:
    """Print mean rank, mean, best peer and hindsight best of all peers, over the tables that are done."""
    ours, peers = json.loads(out.read_text()), json.loads((BENCH / "peers.json").read_text())
    tables = sorted({key.split("/")[1] for key in ours})
    methods = sorted({key.split("/")[2] for key in peers})
    print(f"{len(tables)} tables: {', '.join(tables)}\n")
    print("| metric | ours: mean rank of 17, mean | best peer: mean rank, mean | hindsight best of 16 |")
    print("| --- | --- | --- | --- |")
    for aim, key in AIMS.items():
        rows = pd.DataFrame(
            [[peers[f"dev/{table}/{method}"].get(key, 0.0) for method in methods] for table in tables],
            index=tables, columns=methods,
        )  # fmt: skip
        hindsight = rows.max(axis=1).mean()
        rows["ours"] = [ours[f"dev/{table}/steelyard[{aim}]"][key] for table in tables]
        ranks = rows.rank(axis=1, ascending=False).mean()
        best = ranks.drop("ours").idxmin()
        print(
            f"| {aim} | {ranks['ours']:.2f}, {rows['ours'].mean():.3f} | {best}: {ranks[best]:.2f}, "
            f"{rows[best].mean():.3f} | {hindsight:.3f} |"
        )
    seconds = sum(ours[f"dev/{table}/steelyard[mcc]"]["seconds"] for table in tables)
    forest = sum(peers[f"dev/{table}/rf_balanced"]["seconds"] for table in tables)
    print(f"\nSeconds: {seconds:.0f}; random forest, the slowest peer, on one core: {forest:.0f}.")


def main() -> None:
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--mode", default="full")
    parser.add_argument("--time-limit", type=float)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--processor-time", action="store_true", help="seconds of the processor; with --n-jobs 1")
    parser.add_argument("--table", action="store_true", help="print the table of what is done, run nothing")
    given = parser.parse_args()
    if not given.table:
        settings = {"mode": given.mode, "time_limit": given.time_limit, "n_jobs": given.n_jobs}
        run(given.out, [name for name in given.only.split(",") if name], settings, given.processor_time)
    report(given.out)


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()

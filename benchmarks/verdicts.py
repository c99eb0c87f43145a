"""How often the verdict is right: no clear winner on shuffled labels, a clear one where there is a gain.

python benchmarks/verdicts.py null --seeds 20
python benchmarks/verdicts.py power mammography.csv class --metric balanced_accuracy --seeds 10
"""

from __future__ import annotations

import argparse
import collections

import numpy as np

import steelyard as sy
from steelyard.data import read_table, split_columns


def noise_table(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose labels say nothing about them: 500 to 2000 of them, 2 to 6 classes, imbalanced."""
    rng = np.random.default_rng([seed, 0x4015])
    rows, classes = int(rng.integers(500, 2001)), int(rng.integers(2, 7))
    shares = rng.dirichlet(np.full(classes, 0.6))
    shares = np.maximum(shares, 0.02)
    y = rng.choice(classes, size=rows, p=shares / shares.sum())
    X = rng.normal(size=(rows, 10))
    X[:, 5:] = np.exp(X[:, 5:])
    return X, np.char.add("class", y.astype(str))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["null", "power"])
    parser.add_argument("table", nargs="?")
    parser.add_argument("target", nargs="?")
    parser.add_argument("--metric", default=None)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--models", default="linear, boosting")
    parser.add_argument("--strategies", default="standard")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    metrics = [given.metric] if given.metric else ["macro_f1", "balanced_accuracy"]
    for metric in metrics:
        kinds: collections.Counter[str] = collections.Counter()
        for seed in range(given.seeds):
            if given.what == "null":
                X, y = noise_table(seed)
            else:
                parts = split_columns(read_table(given.table), given.target)
                X, y = parts.features, parts.target
            result = sy.run_study(
                X,
                y,
                models=given.models,
                strategies=given.strategies,
                metric=metric,
                random_state=seed,
                n_jobs=given.jobs,
            )
            kinds[result.verdict.kind] += 1
            winner = result.winner
            print(
                f"{metric} seed {seed}: {result.verdict.kind:15} {winner.id:40} "
                f"gain {winner.gain:+.4f} ({winner.gain_ci[0]:+.4f} to {winner.gain_ci[1]:+.4f})",
                flush=True,
            )
        print(f"{given.what} {given.table or 'noise'} {metric}: {dict(kinds)} of {given.seeds}", flush=True)


if __name__ == "__main__":
    main()

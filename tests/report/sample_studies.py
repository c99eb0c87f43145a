"""Dicts as ``study.json`` holds them, with made-up but plausible numbers."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

NASTY = [
    "<script>alert(1)</script>",
    "say \"hello\" & 'bye'",
    "😀 emoji 🎉 class",
    "שלום עולם",
    "x" * 200,
    "a class name with\ttab and </svg></title> inside",
    "',alert(2),'",
    "{{ 7 * 7 }} {% raw %}",
    "漢字と仮名の長い長い長いクラスの名前です",
    "مرحبا <b>bold</b>",
    "&amp; already escaped",
    "\u202eright-to-left override",
]
NOTES = [
    "Corrects twice: class weights and a tuned decision pull in the same direction.",
    "1 of 3 multipliers was shrunk towards the prior, as its class has few rows.",
]
#: Strategy, how far it lifts the odds of rare classes, how far it lowers those of the commonest ones.
STRATEGIES = [
    ("uniform", 0.0, 0.0),
    ("threshold(metric=macro_f1)", 0.3, 0.35),
    ("prior(tau=1)", 0.42, 1.5),
    ("inverse", 0.5, 2.2),
    ("effective_number(beta=0.999) + focal(gamma=2) + multipliers(metric=macro_f1)", 0.34, 0.3),
    ("balanced", 0.38, 1.2),
]
#: Model, and the rows it needs to learn a class half-way.
MODELS = [("linear", 260.0), ("mlp(hidden=64)", 170.0), ("boosting", 100.0)]


def _around(value: float, width: float, low: float = -1.0, high: float = 1.0) -> list[float]:
    return [max(low, value - width), min(high, value + width)]


def _confusion(rng: np.random.Generator, counts: np.ndarray, need: float, lift: float, cost: float) -> np.ndarray:
    odds = (counts / need) ** 0.85 * (counts.max() / counts) ** lift
    odds = odds * np.exp(-cost * (counts / counts.max()) ** 0.5)
    rows = []
    for true, count in enumerate(counts):
        # What is missed goes to the common classes, the more so the less the rare ones were lifted.
        errors = counts ** (0.9 - 1.5 * lift) * (np.arange(len(counts)) != true)
        share = errors / errors.sum() / (1 + odds[true])
        share[true] = odds[true] / (1 + odds[true])
        rows.append(rng.multinomial(count, share))
    return np.array(rows)


def _figures(confusion: np.ndarray) -> dict[str, np.ndarray]:
    hits, support, alarms = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    precision, recall = hits / np.maximum(alarms, 1), hits / support
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * hits / np.maximum(alarms + support, 1),
        "f_beta": 1.25 * hits / np.maximum(alarms + 0.25 * support, 1),
    }


def _per_class(names: list[str], confusion: np.ndarray, plain: np.ndarray) -> list[dict[str, Any]]:
    figures, before, rows = _figures(confusion), _figures(plain), []
    for place, name in enumerate(names):
        support = int(confusion[place].sum())
        row: dict[str, Any] = {"name": name, "support": support}
        for key, values in figures.items():
            row[key] = float(values[place])
            if key != "f1":
                share = min(max(values[place], 0.5 / support), 1 - 0.5 / support)
                width = 1.4 * float(np.sqrt(share * (1 - share) / support))
                row[f"{key}_delta"] = float(values[place] - before[key][place])
                row[f"{key}_delta_ci"] = _around(row[f"{key}_delta"], width)
        low, high = row["recall_delta_ci"]
        row["verdict"] = "gained" if low > 0 else "lost" if high < 0 else "no clear change"
        rows.append(row if support >= 10 else row | {"verdict": "too few rows"})
    return rows


def _metrics(confusion: np.ndarray, scored: np.ndarray) -> dict[str, float]:
    figures, hits, total = _figures(confusion), np.diag(confusion), confusion.sum()
    accuracy = float(hits.sum() / total)
    expected = float((confusion.sum(axis=0) * confusion.sum(axis=1)).sum() / total**2)
    return {
        "macro_f1": float(figures["f1"][scored].mean()),
        "weighted_f1": float((figures["f1"] * confusion.sum(axis=1)).sum() / total),
        "micro_f1": accuracy,
        "balanced_accuracy": float(figures["recall"][scored].mean()),
        "accuracy": accuracy,
        "mcc": (accuracy - expected) / (1 - expected),
        "roc_auc": 1 - (1 - accuracy) / 3,
        "average_precision": float(figures["precision"][scored].mean()),
        "log_loss": 2.2 * (1 - accuracy) + 0.02,
        "brier": 1.3 * (1 - accuracy),
    }


def _study(seed: int, path: str, classes: dict[str, int], n_scored: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    names, counts = list(classes), np.array(list(classes.values()))
    scored = np.argsort(-counts, kind="stable")[:n_scored]
    drawn = {
        (strategy, model): _confusion(rng, counts, need, lift, cost)
        for strategy, lift, cost in STRATEGIES
        for model, need in MODELS
    }
    baseline = max(
        (key for key in drawn if key[0] == "uniform"),
        key=lambda key: _metrics(drawn[key], scored)["macro_f1"],
    )
    arms = []
    for (strategy, model), confusion in drawn.items():
        metrics = _metrics(confusion, scored)
        delta = metrics["macro_f1"] - _metrics(drawn[baseline], scored)["macro_f1"]
        arms.append(
            {
                "id": f"{strategy} | {model}",
                "strategy": strategy,
                "model": model,
                "score": metrics["macro_f1"],
                "ci": _around(metrics["macro_f1"], 0.022),
                "delta": delta,
                "delta_ci": _around(delta, 0.016 * (delta != 0)),
                "no_skill": float(0.9 / n_scored + rng.normal(0, 0.006)),
                "metrics": metrics,
                "seconds": float(rng.gamma(2, 4)),
                "per_class": _per_class(names, confusion, drawn[baseline]),
                "notes": NOTES if "+" in strategy else [],
            }
        )
    best = max(arms, key=lambda arm: arm["score"])
    return {
        "schema_version": 1,
        "data": {
            "path": path,
            "target": "class",
            "rows": int(counts.sum()),
            "task": "multiclass",
            "classes": [{"name": name, "count": count} for name, count in classes.items()],
            "scored_classes": [names[place] for place in scored],
            "imbalance_ratio": float(counts.max() / counts[scored].min()),
            "warnings": ["61 rows are exact duplicates of others; as all columns are categorical they were kept."],
        },
        "metric": "macro_f1",
        "seed": 0,
        "folds": 5,
        "repeats": 1,
        "baseline": " | ".join(baseline),
        "arms": arms,
        "winner": {
            "id": best["id"],
            "score": best["score"] - 0.006,
            "ci": _around(best["score"] - 0.006, 0.027),
            "gain": best["delta"] - 0.006,
            "gain_ci": _around(best["delta"] - 0.006, 0.019),
        },
        "verdict": {
            "kind": "clear_winner",
            "text": "Treating the rare classes helps on these data: the winner raises macro F1 clearly above "
            "doing nothing, mostly through the rare classes, at a small cost to the common one.",
        },
        "environment": {
            "python": "3.11.9",
            "platform": "Linux-6.1-x86_64",
            "packages": {"numpy": "2.1.0", "scikit-learn": "1.8.0"},
            "threads": 2,
        },
        "confusion": {
            "labels": names,
            "winner": drawn[best["strategy"], best["model"]].tolist(),
            "baseline": drawn[baseline].tolist(),
        },
        "command": f"steelyard study {path} --target class --metric macro_f1 --folds 5 --seed 0",
        "created": "2025-11-21T09:30:00+00:00",
        "left_out": ["The arm smote with linear ran out of memory and was not compared."],
    }


def thyroid_study() -> dict[str, Any]:
    """Four classes, 18 arms, a clear winner; the rarest class is not scored."""
    classes = {
        "negative": 3481,
        "compensated_hypothyroid": 194,
        "primary_hypothyroid": 95,
        "secondary_hypothyroid": 2,
    }
    return _study(7, "data/hypothyroid4.csv", classes, 3)


def small_study() -> dict[str, Any]:
    """The winner, the baseline and one other arm: quick to draw."""
    study = thyroid_study()
    kept = [study["winner"]["id"], study["baseline"]]
    others = [arm for arm in study["arms"] if arm["id"] not in kept]
    study["arms"] = [arm for arm in study["arms"] if arm["id"] in kept] + others[:1]
    return study


def flattering_study() -> dict[str, Any]:
    """Doing nothing is right on 95 % of the rows and never finds one of the scored classes."""
    study = thyroid_study()
    baseline = next(arm for arm in study["arms"] if arm["id"] == study["baseline"])
    baseline["metrics"]["accuracy"] = 0.95
    baseline["per_class"][2]["recall"] = 0.0
    return study


def wide_study() -> dict[str, Any]:
    """Forty-eight classes, a dozen of them with names that try to break out of the page."""
    rng = np.random.default_rng(3)
    names = [*NASTY, *(f"category {number:02d} of the shop" for number in range(48 - len(NASTY)))]
    rng.shuffle(names)
    counts = np.unique(np.geomspace(2, 9000, 90).astype(int))[-48:][::-1]
    classes = {name: int(count) for name, count in zip(names, counts, strict=True)}
    study = _study(11, 'C:\\data\\"shop" & <co>.csv', classes, 46)
    study["data"]["target"] = 'the "best" <i>label</i>'
    study["verdict"] = {"kind": "no_clear_winner", "text": "No arm is clearly better than doing nothing."}
    study["arms"][3].update(score=None, ci=None, delta=None, delta_ci=None)
    return study


def middling_study() -> dict[str, Any]:
    """Twelve classes with names that try to break out of the page: the largest kind of confusion matrix."""
    counts = np.geomspace(15, 4000, len(NASTY)).astype(int)[::-1]
    classes = {name: int(count) for name, count in zip(NASTY, counts, strict=True)}
    return _study(5, "nasty.tsv", classes, len(NASTY))


def no_gain_study() -> dict[str, Any]:
    """Doing nothing came first."""
    study = thyroid_study()
    for arm in study["arms"]:
        if arm["id"] != study["baseline"]:
            arm["score"] -= 0.2
            arm["delta"] -= 0.2
            arm["ci"], arm["delta_ci"] = _around(arm["score"], 0.02), _around(arm["delta"], 0.015)
    best = next(arm for arm in study["arms"] if arm["id"] == study["baseline"])
    study["winner"] = {"id": best["id"], "score": best["score"], "ci": best["ci"]}
    study["verdict"] = {
        "kind": "no_gain",
        "text": "Nothing that was tried beats doing nothing on these data.",
    }
    return study


def many_arms_study() -> dict[str, Any]:
    """Forty arms."""
    study = thyroid_study()
    for number in range(22):
        twin = copy.deepcopy(study["arms"][number % 18])
        twin.update(id=f"twin {number}", strategy=f"boost(factor={number + 2}) + {twin['strategy']}")
        twin["score"] -= 0.004 * (number + 1)
        twin["delta"] -= 0.004 * (number + 1)
        twin["ci"], twin["delta_ci"] = _around(twin["score"], 0.022), _around(twin["delta"], 0.016)
        study["arms"].append(twin)
    return study


def bare_study() -> dict[str, Any]:
    """Only what the contract promises, with every number that may be undefined left undefined."""
    study = thyroid_study()
    for key in ("confusion", "command", "created", "left_out"):
        del study[key]
    del study["data"]["target"], study["data"]["imbalance_ratio"]
    study["data"]["warnings"] = []
    for key in ("gain", "gain_ci"):
        del study["winner"][key]
    for arm in study["arms"]:
        del arm["notes"]
        arm.update(no_skill=None, ci=None, delta_ci=None, metrics=dict.fromkeys(arm["metrics"]))
        for row in arm["per_class"]:
            row.update({key: None for key in row if key not in ("name", "support", "verdict")})
    return study


def with_curves(study: dict[str, Any]) -> dict[str, Any]:
    """The study with curves, reliability and over-weighting, as ``study.json`` holds them."""
    recall = np.linspace(0.02, 1.0, 60)

    def own(power: float) -> dict[str, Any]:
        return {
            "precision_recall": np.column_stack([recall, 1 - 0.9 * recall**power]).round(4).tolist(),
            "roc": np.column_stack([recall**power, recall]).round(4).tolist(),
            "average_precision": 0.6,
            "roc_auc": 0.9,
        }

    ordered = sorted(study["data"]["classes"], key=lambda item: item["count"])
    rare = [item for item in ordered if item["count"] >= 10][:3]
    bins = {"predicted": [0.35, 0.55, 0.95], "observed": [0.2, 0.6, 0.9], "rows": [12, 40, 3000], "error": 0.04}
    study["curves"] = {
        "classes": [
            {"name": item["name"], "support": item["count"], "winner": own(3.0), "baseline": own(2.0)} for item in rare
        ],
        "reliability": {"winner": bins, "baseline": {**bins, "error": 0.02}},
    }
    if len(study["data"]["classes"]) == 2:
        cuts = np.linspace(0.01, 0.97, 49)
        study["curves"]["net_benefit"] = {
            "class": rare[0]["name"],
            "threshold": cuts.round(4).tolist(),
            "all": (0.1 - 0.9 * cuts / (1 - cuts)).round(4).tolist(),
            "winner": np.maximum(0.08 - 0.1 * cuts, -0.001).round(4).tolist(),
            "baseline": np.maximum(0.07 - 0.1 * cuts, -0.001).round(4).tolist(),
        }
    study["overweighting"] = {
        "model": "linear",
        "classes": [item["name"] for item in ordered[:2]],
        "rows": 3772,
        "points": [
            {
                "factor": factor,
                "recall": 0.7 + 0.02 * place,
                "precision": 0.9 - 0.1 * place,
                "false_alarms": 10 + 30 * place,
                "train_recall": 0.9 + 0.02 * place,
                "macro_f1": 0.6 - 0.01 * place,
                "train_macro_f1": 0.7 - 0.01 * place,
            }
            for place, factor in enumerate((0, 1, 2, 5, 10))
        ],
    }
    return study


def curves_study() -> dict[str, Any]:
    """Two classes, one of them a script, with every part a study can have."""
    study = with_curves(_study(13, "two.csv", {"common": 900, NASTY[0]: 100}, 2))
    study["winner"]["id"] = next(arm["id"] for arm in study["arms"] if arm["id"] != study["baseline"])
    return study


def wide_curves_study() -> dict[str, Any]:
    """Forty-eight classes and 24 arms, with every part a study can have."""
    study = with_curves(wide_study())
    for number in range(6):
        twin = copy.deepcopy(study["arms"][number])
        twin.update(id=f"twin {number}", strategy=f"focal(gamma={number + 2}) + {twin['strategy']}")
        study["arms"].append(twin)
    return study

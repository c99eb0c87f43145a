"""The study from Python: every form of rows, groups, folds and repeats, and what it gives back."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score
from sklearn.naive_bayes import GaussianNB

import steelyard as sy

QUICK = {"models": "linear", "strategies": "inverse; multipliers", "folds": 3}


def make_rows(seed=0, sizes=(70, 25, 9), n_columns=3):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(["common", "rare", "scarce"], sizes))
    X = rng.normal(size=(len(y), n_columns))
    X[:, 0] += 1.5 * (y == "rare") - 1.5 * (y == "scarce")
    return X, y


@pytest.fixture(scope="module")
def rows():
    return make_rows()


@pytest.fixture(scope="module")
def result(rows):
    return sy.run_study(*rows, **QUICK)


def steady(record):
    """A record without what may differ between two runs."""
    arms = [{key: value for key, value in arm.items() if key != "seconds"} for arm in record["arms"]]
    return {**record, "arms": arms, "created": None}


@pytest.mark.parametrize("kind", ["pandas", "polars", "list", "mapping", "fortran", "float32"])
def test_every_form_of_rows_gives_the_same_study(rows, result, kind):
    X, y = rows
    columns = {f"x{i}": column for i, column in enumerate(X.T)}
    made = {
        "pandas": lambda: (pd.DataFrame(columns, index=np.arange(len(y))[::-1]), pd.Series(y, dtype="category")),
        "polars": lambda: (pl.DataFrame(columns), pl.Series(y)),
        "list": lambda: (X.tolist(), y.tolist()),
        "mapping": lambda: (columns, tuple(y)),
        "fortran": lambda: (np.asfortranarray(X), y.astype(object)),
        "float32": lambda: (X.astype(np.float32), y),
    }[kind]()
    found = sy.run_study(*made, **QUICK)
    assert found.predictions["prediction"].to_list() == result.predictions["prediction"].to_list()
    if kind != "float32":
        assert steady(found.record) == steady(result.record)


@pytest.mark.parametrize("models", ["linear", "boosting(n_estimators=4)", "forest(n_estimators=5)"])
def test_the_same_to_the_last_bit_whatever_the_number_of_processes(rows, models):
    options = {
        "models": models,
        "strategies": "inverse; balanced; prior; inverse + multipliers",
        "folds": 3,
        "repeats": 2,
    }
    one, two = (sy.run_study(*rows, **options, n_jobs=n) for n in (1, 2))
    assert steady(one.record) == steady(two.record)
    assert one.predictions.equals(two.predictions)


def test_the_seed_matters_and_is_all_that_matters(rows, result):
    assert steady(sy.run_study(*rows, **QUICK).record) == steady(result.record)
    other = sy.run_study(*rows, **QUICK, random_state=1)
    assert other.predictions["fold"].to_list() != result.predictions["fold"].to_list()


def test_every_row_is_predicted_once_in_each_repeat_and_arm(rows):
    X, y = rows
    found = sy.run_study(X, y, **QUICK, repeats=2).predictions
    assert found.columns == ["row", "arm", "fold", "repeat", "label", "prediction", "p:common", "p:rare", "p:scarce"]
    for (_, repeat), part in found.group_by("arm", "repeat"):
        assert sorted(part["row"]) == list(range(len(y)))
        assert repeat in (0, 1)
        assert part.sort("row")["label"].to_list() == y.tolist()
    total = found.select(pl.sum_horizontal("p:common", "p:rare", "p:scarce")).to_series()
    assert total.to_numpy() == pytest.approx(1, abs=1e-6)


def test_the_leaderboard_runs_from_best_to_worst_and_doing_nothing_is_in_it(result):
    board = result.leaderboard
    assert board["rank"].to_list() == [1, 2, 3]
    assert board["score"].to_list() == sorted(board["score"], reverse=True)
    assert set(board["strategy"]) == {"do_nothing", "inverse", "multipliers"}
    assert board["id"][0] == result.winner.id
    assert board.filter(pl.col("strategy") == "do_nothing")["delta"].to_list() == [0.0]
    assert (board["ci_low"] <= board["score"]).all()
    assert (board["score"] <= board["ci_high"]).all()


def test_a_metric_where_less_is_better_puts_the_lowest_first(rows):
    found = sy.run_study(*rows, models="linear", strategies="inverse; prior", metric="log_loss", folds=3)
    scores = found.leaderboard["score"].to_list()
    assert scores == sorted(scores)
    assert found.leaderboard["strategy"][0] == "do_nothing"
    assert found.verdict.kind == "no_gain"


def test_per_class_is_a_line_for_each_arm_and_class(rows, result):
    _, y = rows
    table = result.per_class
    assert table.height == 3 * 3
    baseline = table.filter(pl.col("arm") == result.record["baseline"])
    assert baseline["support"].to_list() == [int((y == name).sum()) for name in baseline["name"]]
    assert (baseline["recall_delta"] == 0).all()
    assert set(table["verdict"]) <= {"gained", "lost", "no clear change", "too few rows"}


def test_fit_gives_a_model_that_predicts_raw_rows(rows, result):
    X, y = rows
    fitted = result.fit()
    assert str(fitted) == result.winner.id
    assert fitted.classes_.tolist() == ["common", "rare", "scarce"]
    assert balanced_accuracy_score(y, fitted.predict(X)) > 0.5
    assert fitted.predict_proba(X).shape == (len(y), 3)


def test_save_and_report(result, rows, tmp_path):
    X, _ = rows
    folder = result.save(tmp_path / "study")
    assert json.loads((folder / "study.json").read_text(encoding="utf-8")) == result.record
    assert pl.read_parquet(folder / "predictions.parquet").equals(result.predictions)
    assert np.array_equal(sy.load(folder).predict(X), result.fit().predict(X))
    page = result.report(tmp_path / "other.html").read_text(encoding="utf-8")
    assert result.verdict.kind.replace("_", " ").split()[-1] in page.lower()
    assert result.verdict.kind in repr(result)


def test_groups_stay_in_one_fold(rows):
    X, y = rows
    groups = [f"patient {i // 3}" for i in range(len(y))]
    found = sy.run_study(X, y, **QUICK, groups=groups).predictions
    folds = found.with_columns(pl.Series("group", groups * 3)).group_by("group").agg(pl.col("fold").n_unique())
    assert folds["fold"].max() == 1


@pytest.mark.parametrize("duplicates", ["group", "keep", None])
def test_equal_rows_share_a_fold_when_they_are_to(duplicates):
    X, y = make_rows(sizes=(40, 20, 10))
    X, y = np.concatenate([X, X]), np.concatenate([y, y])
    found = sy.run_study(X, y, **QUICK, duplicates=duplicates)
    first = found.predictions.filter(pl.col("arm") == found.record["baseline"]).sort("row")["fold"].to_numpy()
    together = bool((first[:70] == first[70:]).all())
    # Numbers that agree to the last digit are one case twice: grouped by default.
    assert together == (duplicates != "keep")
    assert any("70 rows repeat the features of another row" in text for text in found.record["data"]["warnings"])


def test_equal_rows_of_categories_are_ordinary():
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.choice(["u", "v"], 90), "b": rng.choice(["x", "y", "z"], 90)})
    y = np.where(rng.random(90) < 0.2, "rare", "common")
    found = sy.run_study(frame, y, **QUICK)
    assert any("treated as different cases" in text for text in found.record["data"]["warnings"])
    folds = found.predictions.filter(pl.col("arm") == found.record["baseline"])["fold"].to_numpy()
    assert folds[(frame["a"] == "u").to_numpy() & (frame["b"] == "x").to_numpy()].max() > 0


def test_folds_given_by_the_user(rows):
    X, y = rows
    column = np.where(np.arange(len(y)) % 2 == 0, "first", "second").astype(object)
    column[:4] = None
    found = sy.run_study(X, y, **{**QUICK, "folds": 7}, fold_column=column)
    assert found.record["folds"] == 2
    assert any("4 rows name no fold" in text for text in found.record["data"]["warnings"])
    rows_scored = found.predictions.filter(pl.col("arm") == found.record["baseline"])
    assert rows_scored["row"].to_list() == list(range(4, len(y)))
    assert rows_scored.filter(pl.col("row") % 2 == 0)["fold"].n_unique() == 1


def test_repeats_with_a_fold_column_are_refused(rows):
    X, y = rows
    with pytest.raises(sy.UsageError, match="--repeats cannot be used with --fold-column"):
        sy.run_study(X, y, **QUICK, fold_column=[i % 3 for i in range(len(y))], repeats=2)


def test_rows_without_a_label_are_left_out_and_keep_their_numbers(rows):
    X, y = rows
    labels = y.astype(object)
    labels[[0, 5, 7]] = None
    found = sy.run_study(X, labels, **QUICK)
    assert found.record["data"]["rows"] == len(y) - 3
    assert any("3 rows have no label" in text for text in found.record["data"]["warnings"])
    scored = found.predictions.filter(pl.col("arm") == found.record["baseline"])
    assert set(range(len(y))) - set(scored["row"]) == {0, 5, 7}
    assert scored["label"].to_list() == y[scored["row"].to_numpy()].tolist()


def test_a_class_of_one_row_is_trained_on_and_not_scored(rows):
    X, y = rows
    labels = y.astype(object)
    labels[3] = "lonely"
    found = sy.run_study(X, labels, **QUICK)
    data = found.record["data"]
    assert {"name": "lonely", "count": 1} in data["classes"]
    assert "lonely" not in data["scored_classes"]
    assert any("lonely" in text and "never scored" in text for text in data["warnings"])
    assert "p:lonely" in found.predictions.columns
    assert 3 not in found.predictions["row"].to_list()
    assert found.record["arms"][0]["metrics"]["roc_auc"] is not None


@pytest.mark.parametrize("labels", [[0, 1], [True, False], [0.0, 1.0]])
def test_labels_that_are_no_text(labels):
    rng = np.random.default_rng(0)
    y = np.array(labels)[(np.arange(90) % 4 == 0).astype(int)]
    X = rng.normal(size=(90, 2)) + 2 * (np.arange(90) % 4 == 0)[:, None]
    found = sy.run_study(X, y, models="linear", strategies="threshold", folds=3)
    assert found.record["data"]["task"] == "binary"
    assert found.fit().predict(X).dtype == y.dtype
    assert [entry["name"] for entry in found.record["data"]["classes"]] == sorted(map(str, labels))


def test_scikit_learn_classifiers_are_arms(rows):
    found = sy.run_study(*rows, models=[GaussianNB(), "linear"], strategies="inverse", folds=3)
    assert {arm["model"] for arm in found.record["arms"]} == {"GaussianNB()", "linear"}


def test_progress_is_told(rows):
    told = []
    sy.run_study(*rows, **QUICK, progress=lambda *news: told.append(news))
    assert told[-1] == (9, 9, "linear")
    assert [done for done, _, _ in told] == sorted({done for done, _, _ in told})


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"models": "linaer"}, sy.UsageError, "did you mean 'linear'"),
        ({"models": ""}, sy.UsageError, "no model given|is empty|expected"),
        ({"models": []}, sy.UsageError, "no model given"),
        ({"strategies": "invers"}, sy.UsageError, "did you mean 'inverse'"),
        ({"strategies": []}, sy.UsageError, "no strategy given"),
        ({"metric": "makro_f1"}, sy.UsageError, "did you mean 'macro_f1'"),
        ({"metric": "f1"}, sy.UsageError, "use macro_f1"),
        ({"folds": 1}, sy.UsageError, "at least 2"),
        ({"folds": 1000}, sy.UsageError, "1000 folds need at least as many"),
        ({"repeats": 0}, sy.UsageError, "at least 1"),
        ({"duplicates": "drop"}, sy.UsageError, "keep or group"),
        ({"task": "regression"}, sy.UsageError, "regression"),
        ({"task": "binary"}, sy.UsageError, "3 classes"),
        ({"random_state": -1}, sy.UsageError, "0 or more"),
        ({"random_state": 2**31}, sy.UsageError, "below 2147483648"),
        ({"y": ["common"] * 104}, sy.DataError, "one class only, 'common'"),
        ({"y": [None] * 104}, sy.DataError, "all 104 are missing"),
        ({"y": np.random.default_rng(0).normal(size=104)}, sy.DataError, "looks like a quantity"),
        ({"y": ["a", "b"]}, sy.DataError, "2 labels for 104 rows"),
        ({"y": [f"name {i}" for i in range(104)]}, sy.DataError, "fewer than two classes can be scored"),
        ({"X": np.full((104, 2), np.inf)}, sy.DataError, "infinite"),
        ({"X": np.ones((104, 2))}, sy.DataError, "constant"),
        ({"X": np.full((104, 2), np.nan)}, sy.DataError, "missing"),
        ({"X": np.zeros((0, 2)), "y": []}, sy.DataError, "no label|no rows"),
        ({"groups": [1, 2]}, sy.UsageError, "2 values for 104 rows"),
        ({"groups": [None] * 104}, sy.DataError, "rows without a group"),
        ({"groups": ["one"] * 104}, sy.UsageError, "3 folds need at least as many groups; there are 1"),
        ({"fold_column": ["a"] * 104}, sy.DataError, "at least two are needed"),
        ({"fold_column": [1, 2]}, sy.UsageError, "2 values for 104 rows"),
    ],
    ids=lambda value: str(list(value)) if isinstance(value, dict) else None,
)
def test_wrong_arguments_and_data(rows, change, error, message):
    X, y = rows
    given = {"X": X, "y": y, **QUICK, **change}
    with pytest.raises(error, match=message) as caught:
        sy.run_study(**given)
    assert "\n" not in str(caught.value)


def test_inputs_are_left_as_they_were(rows):
    X, y = rows
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    before, labels = frame.copy(), y.copy()
    sy.run_study(frame, y, **QUICK)
    pd.testing.assert_frame_equal(frame, before)
    assert np.array_equal(y, labels)


@pytest.mark.parametrize("metric", ["macro_f1", "balanced_accuracy"])
def test_scores_are_those_of_scikit_learn(rows, metric):
    found = sy.run_study(*rows, **QUICK, metric=metric, repeats=2)
    theirs = {"macro_f1": lambda t, p: f1_score(t, p, average="macro"), "balanced_accuracy": balanced_accuracy_score}
    for arm in found.record["arms"]:
        lines = found.predictions.filter(pl.col("arm") == arm["id"])
        values = [theirs[metric](p["label"], p["prediction"]) for p in lines.partition_by("repeat")]
        assert arm["score"] == pytest.approx(np.mean(values), abs=1e-12)

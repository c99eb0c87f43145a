from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from sklearn.utils.class_weight import compute_class_weight

from steelyard import DataError, inspect_data
from steelyard.inspection import imbalance_advice, target_candidates
from steelyard.inspection.duplicates import find_duplicates
from steelyard.registry import components


def test_inverse_weights_are_scikit_learns() -> None:
    y = np.array(["soccer"] * 80 + ["funny"] * 5 + ["news"] * 15)
    look = inspect_data(y=y)
    wanted = compute_class_weight("balanced", classes=np.array(look.counts.classes), y=y)
    assert look.schemes["inverse"].weights == pytest.approx(wanted)
    assert look.schemes["inverse"].pull == pytest.approx(16.0)
    assert look.schemes["sqrt"].pull == pytest.approx(4.0)
    # Balanced weights share the loss out evenly.
    assert look.schemes["inverse"].rarest_share == pytest.approx(1 / 3)
    assert look.schemes["uniform"].rarest_share == pytest.approx(0.05)


def test_effective_rows_follow_kish() -> None:
    look = inspect_data(y=["a"] * 90 + ["b"] * 10)
    row_weights = np.repeat([100 / 180, 5.0], [90, 10])
    assert look.schemes["inverse"].effective_rows == pytest.approx(row_weights.sum() ** 2 / (row_weights**2).sum())
    assert look.schemes["uniform"].effective_rows == pytest.approx(100)


def test_every_scheme_of_the_registry_is_there_but_those_whose_weights_counts_do_not_give() -> None:
    names = {name.partition("(")[0] for name in inspect_data(y=["a", "a", "b"]).schemes}
    assert names == set(components("weighting")) - {"manual", "validation_driven"}


def test_absent_single_and_missing_are_counted() -> None:
    look = inspect_data(y=["a", "a", "b", None, None], classes=["a", "b", "c"])
    assert (look.rows, look.unlabelled, look.counts.absent, look.single) == (5, 2, ("c",), ("b",))
    assert any("Without a row: “c”" in text for text in look.advice)
    assert any("With one row: “b”" in text for text in look.advice)
    assert np.isfinite(look.schemes["inverse"].weights).all()


@pytest.mark.parametrize(
    ("sizes", "said"),
    [([50, 40], "similar size"), ([210, 10], "Past 20 to 1"), ([1010, 10], "Past 100 to 1"), ([100], "one class")],
)
def test_advice_follows_the_imbalance(sizes, said) -> None:
    look = inspect_data(y=np.repeat(np.arange(len(sizes)).astype(str), sizes))
    assert any(said in text for text in look.advice)


def test_advice_starts_past_the_ratio_and_not_at_it() -> None:
    assert imbalance_advice(20.0) is None
    assert imbalance_advice(100.0) == imbalance_advice(20.1)
    assert imbalance_advice(100.1) != imbalance_advice(100.0)


def test_a_high_accuracy_of_the_commonest_class_is_named() -> None:
    look = inspect_data(y=["car"] * 99 + ["motorcycle"])
    assert any("“car” is right on 99.0 % of the rows and finds none" in text for text in look.advice)


def test_the_interval_of_a_recall_on_few_rows_is_statsmodels_wilson() -> None:
    # statsmodels 0.14: proportion_confint(2.5, 5, method="wilson") = (0.1703, 0.8297)
    look = inspect_data(y=["soccer"] * 82 + ["funny"] * 5)
    assert any("With the 5 rows of “funny”" in text and "17 % to 83 %" in text for text in look.advice)


def test_duplicates_are_those_of_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    columns = {"a": rng.integers(0, 12, 500).tolist(), "first": rng.choice(["x", "y", None], 500).tolist()}
    frame = pandas.DataFrame(columns)
    labels = rng.choice(["u", "v"], 500, p=[0.9, 0.1])
    found = find_duplicates(pl.DataFrame(columns), pl.Series(labels))
    assert found.rows == frame.duplicated().sum()
    both = frame.assign(label=labels).groupby(["a", "first"], dropna=False)["label"].transform("nunique")
    assert found.contradicting == (both > 1).sum()


def test_rows_without_a_twin_are_found_to_have_none() -> None:
    assert find_duplicates(pl.DataFrame({"a": range(1000)}), pl.Series(["x"] * 1000)).rows == 0
    assert find_duplicates(pl.DataFrame({"a": [float("nan"), float("nan")]}), pl.Series(["x", "y"])).contradicting == 2


def test_labels_stay_the_texts_they_are() -> None:
    look = inspect_data(y=pl.Series(["007", "NA", "None", "1.0", "01", "007"]))
    assert set(look.counts.classes) == {"007", "NA", "None", "1.0", "01"}


def test_a_quantity_is_said_to_look_like_one() -> None:
    look = inspect_data(y=[str(value) for value in range(60)] * 3)
    assert any("look like a quantity" in text for text in look.advice)
    assert not any("quantity" in text for text in inspect_data(y=["3", "4", "5"] * 40).advice)


def test_several_labels_a_row_are_counted_per_label() -> None:
    look = inspect_data(y=np.array([[1, 0], [1, 1], [1, np.nan], [0, 0]]))
    assert (look.task, look.rows, look.counts.counts.tolist()) == ("multilabel", 4, [3, 1])
    assert look.snippets == {}


def test_counts_alone_are_enough() -> None:
    look = inspect_data(y={"soccer": 82, "funny": 5})
    assert (look.rows, look.duplicates, look.counts.imbalance_ratio) == (87, None, 16.4)


def test_to_dict_is_json_with_common_classes_first() -> None:
    found = json.loads(json.dumps(inspect_data(y=[1, 2, 2, 2]).to_dict(), allow_nan=False))
    assert [item["name"] for item in found["classes"]] == ["2", "1"]
    assert found["weights"][0]["scheme"] == "uniform"
    assert set(found["snippets"]) == {"scikit-learn", "PyTorch", "Transformers"}


@pytest.mark.parametrize("given", [{"y": []}, {"y": [None]}, {"y": None}])
def test_nothing_to_inspect_is_an_error(given) -> None:
    with pytest.raises(DataError, match="nothing"):
        inspect_data(**given)


def test_rows_and_labels_of_different_number_are_an_error() -> None:
    with pytest.raises(DataError, match="X has 3 rows and y has 2 labels"):
        inspect_data(np.zeros((3, 2)), ["a", "b"])


def test_candidates_leave_out_ids_quantities_and_constants() -> None:
    frame = pl.DataFrame(
        {
            "id": [str(n) for n in range(200)],
            "weight": [f"{n / 7:.3f}" for n in range(200)],
            "same": ["x"] * 200,
            "sex": ["F", "M"] * 100,
            "outcome": ["ill"] * 30 + ["well"] * 170,
            "score": [0.5, 1.5] * 100,
        }
    )
    found = target_candidates(frame)
    assert [candidate.column for candidate in found] == ["outcome", "sex"]
    assert (found[0].classes, found[0].examples) == (2, ("well", "ill"))

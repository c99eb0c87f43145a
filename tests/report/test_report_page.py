from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
from html_checks import Page
from sample_studies import (
    NASTY,
    bare_study,
    flattering_study,
    no_gain_study,
    small_study,
    thyroid_study,
)

from steelyard.errors import DataError, UsageError
from steelyard.report import render_report, write_report

STUDIES = (
    "thyroid_study",
    "wide_study",
    "middling_study",
    "no_gain_study",
    "many_arms_study",
    "bare_study",
    "curves_study",
    "wide_curves_study",
)


@pytest.mark.parametrize("name", STUDIES)
def test_page_is_well_formed_and_self_contained(pages: dict[str, str], name: str) -> None:
    page = Page(pages[name])
    assert pages[name].startswith("<!doctype html>")
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert page.all("html") == [{"lang": "en"}]
    assert not page.all("script")
    assert not page.all("link")
    assert not page.all("img")
    # No address of any kind is loaded or linked, and no attribute can run anything.
    for tag, attributes, _ in page.elements:
        for key, value in attributes.items():
            assert key not in ("src", "srcset", "data", "action"), (tag, key)
            assert not key.startswith("on"), (tag, key)
            assert key not in ("href", "xlink:href") or str(value).startswith("#"), (tag, value)
    style = "".join(data for tag, data in page.texts if tag == "style")
    assert "url(" not in style
    assert "@import" not in style
    assert len(pages[name].encode()) < 400_000


@pytest.mark.parametrize("name", STUDIES)
def test_ids_are_unique_and_references_resolve(pages: dict[str, str], name: str) -> None:
    page = Page(pages[name])
    ids = Counter(attributes["id"] for _, attributes, _ in page.elements if "id" in attributes)
    assert max(ids.values()) == 1, ids.most_common(3)
    references = {str(attributes["href"])[1:] for attributes in page.all("a")}
    for _, attributes, _ in page.elements:
        references |= set(str(attributes.get("aria-labelledby") or "").split())
    references |= set(re.findall(r"url\(#([^)]+)\)", pages[name]))
    assert references <= set(ids)
    sections = {str(attributes["id"]) for attributes in page.all("section")}
    assert sections <= references, "a section is not in the navigation"


@pytest.mark.parametrize("name", STUDIES)
def test_charts_and_tables_are_labelled(pages: dict[str, str], name: str) -> None:
    page = Page(pages[name])
    assert page.all("svg")
    for attributes in page.all("svg"):
        assert attributes["role"] == "img"
        assert len(str(attributes["aria-labelledby"]).split()) == 2
    inside = Counter(tag for tag, _, around in page.elements if around and around[-1] == "svg")
    assert inside["title"] == inside["desc"] == len(page.all("svg"))
    assert all(text.strip() for tag, text in page.texts if tag in ("title", "desc"))
    assert len(page.captions) == len(page.tables)
    assert all(caption.strip() for caption in page.captions)
    assert all(attributes.get("scope") in ("row", "col") for attributes in page.all("th"))
    # Rows of one length: a missing cell would shift the numbers under the wrong heading.
    for table in page.tables:
        assert len({len(row) for row in table}) == 1


def test_names_from_the_data_stay_text(pages: dict[str, str]) -> None:
    for name in ("wide_study", "middling_study"):
        page = Page(pages[name])
        cells = {cell.strip() for row in page.table("Each class under this arm") for cell in row[:1]}
        for nasty in NASTY:
            assert " ".join(nasty.split()) in cells
        assert "49" not in page.text().split("The data")[0], "a class name was run as a template"
        # Elements that only a class name could have brought in.
        assert not {"script", "b", "i"} & {
            tag for tag, attributes, around in page.elements if "table" in around or "svg" in around
        }
    assert "<co>" not in pages["wide_study"]
    assert "<i>label" not in pages["wide_study"]
    assert 'title="&lt;script&gt;alert(1)&lt;/script&gt;"' in pages["middling_study"]


def test_every_text_field_is_escaped() -> None:
    """A marker with markup is put into every string of the study; none may come out as an element."""
    marker = '<u title="x">&\'"'

    def poisoned(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: poisoned(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [poisoned(item, key) for item in value]
        return f"{value} {marker}" if isinstance(value, str) and key != "kind" else value

    study = poisoned(thyroid_study())
    study["environment"] = {marker: marker}
    page = render_report(study)
    assert not Page(page).all("u")
    assert page.count("&lt;u title=") > 100


def test_numbers_are_those_of_the_study() -> None:
    study = thyroid_study()
    page = Page(render_report(study))

    def shown(text: str) -> list[str]:
        return text.replace("\u2212", "-").split()

    arms = sorted(study["arms"], key=lambda arm: -arm["score"])
    rows = page.table("All arms, best first")[1:]
    assert len(rows) == len(arms)
    for rank, (arm, row) in enumerate(zip(arms, rows, strict=True), start=1):
        assert row[0] == str(rank)
        assert arm["strategy"] in row[1]
        assert row[2] == arm["model"]
        low, high = arm["ci"]
        assert shown(row[3]) == [f"{arm['score']:.3f}", f"{low:.3f}", "to", f"{high:.3f}"]
        if arm["id"] != study["baseline"]:
            low, high = arm["delta_ci"]
            assert shown(row[4]) == [f"{arm['delta']:+.3f}", f"{low:+.3f}", "to", f"{high:+.3f}"]
        assert row[5] == f"{arm['no_skill']:.3f}"
    classes = sorted(arms[0]["per_class"], key=lambda item: -item["support"])
    for item, row in zip(classes, page.table("Each class")[1:], strict=True):
        assert shown(row[0]) == [item["name"]]
        assert row[1] == f"{item['support']:,}"
        assert item["verdict"] in " ".join(row[2].split())
        assert shown(row[3])[:2] == [f"{item['recall']:.3f}", f"{item['recall_delta']:+.3f}"]
        assert shown(row[4])[:2] == [f"{item['precision']:.3f}", f"{item['precision_delta']:+.3f}"]
        assert shown(row[5]) == [f"{item['f1']:.3f}"]
    text, winner = page.text().replace("\u2212", "-"), study["winner"]
    low, high = winner["gain_ci"]
    assert f"{winner['score']:.3f} {winner['ci'][0]:.3f} to {winner['ci'][1]:.3f}" in text
    assert f"{winner['gain']:+.3f} {low:+.3f} to {high:+.3f}" in text
    assert study["command"] in text
    assert [cell for row in page.table("Winner")[1:] for cell in row[1:]] == [
        f"{count:,}" for row in study["confusion"]["winner"] for count in row
    ]


def test_winner_and_baseline_are_marked_in_words() -> None:
    study = thyroid_study()
    rows = Page(render_report(study)).table("All arms, best first")[1:]
    marked = {word: [row[1] for row in rows if word in row[1]] for word in ("winner", "doing nothing")}
    assert [len(found) for found in marked.values()] == [1, 1]
    assert study["winner"]["id"].split(" | ")[0] in marked["winner"][0]
    assert study["baseline"].split(" | ")[0] in marked["doing nothing"][0]


@pytest.mark.parametrize(
    ("kind", "badge"),
    [
        ("clear_winner", "Clear winner"),
        ("no_clear_winner", "No clear winner"),
        ("no_gain", "No gain over doing nothing"),
    ],
)
def test_each_verdict_has_its_badge(kind: str, badge: str) -> None:
    study = small_study()
    study["verdict"] = {"kind": kind, "text": "What was found."}
    page = Page(render_report(study))
    text = page.text()
    assert badge in text
    assert "What was found." in text
    # Only a clear winner is called a winner.
    assert ("The winner" in text) == (kind == "clear_winner")


def test_doing_nothing_first_shows_the_best_other_arm() -> None:
    study = no_gain_study()
    text = Page(render_report(study)).text()
    best = max((arm for arm in study["arms"] if arm["id"] != study["baseline"]), key=lambda arm: arm["score"])
    assert "Doing nothing came first, so this shows the best other arm against it" in text
    assert f"Best other arm, macro F1 {best['score']:.3f}" in text


def test_accuracy_that_flatters_is_named() -> None:
    text = Page(render_report(flattering_study())).text()
    assert "Doing nothing is right on 95.0 % of all rows, yet finds not a single row of “primary_hypoth" in text
    assert "a recall of 0 behind a high accuracy" in text
    assert "a recall of 0 behind" not in Page(render_report(thyroid_study())).text()


@pytest.mark.parametrize(
    "key",
    ["confusion", "command", "created", "left_out", "environment", "winner", "baseline", "folds", "seed"],
)
def test_an_absent_optional_part_is_left_out(key: str) -> None:
    study = small_study()
    if key in ("winner", "command", "confusion"):
        study[key] = None
    else:
        del study[key]
    Page(render_report(study))


def test_undefined_numbers_are_dashes_not_words() -> None:
    text = Page(render_report(bare_study())).text().replace("=None", "")
    assert not re.search(r"\b(None|nan|inf|null|undefined)\b", text, re.IGNORECASE)
    study = thyroid_study()
    text = Page(
        render_report(
            json.loads(json.dumps(study).replace(f'"no_skill": {study["arms"][0]["no_skill"]}', '"no_skill": NaN'))
        )
    ).text()
    assert "nan" not in text.lower().split()


def test_regression_has_no_classes() -> None:
    study = thyroid_study()
    study["data"].update(classes=[], scored_classes=[], imbalance_ratio=None, task="regression")
    for arm in study["arms"]:
        arm["per_class"] = []
    study.pop("confusion")
    page = Page(render_report(study))
    sections = [attributes["id"] for attributes in page.all("section")]
    assert sections == ["verdict", "warnings", "leaderboard", "method"]


def test_thousand_classes_stay_a_page() -> None:
    study = thyroid_study()
    study["arms"] = study["arms"][:3]
    one = study["arms"][0]["per_class"][0]
    names = [f"{'long name ' * 8}{number}" for number in range(1000)]
    study["data"].update(
        classes=[{"name": name, "count": 1000 - place} for place, name in enumerate(names)],
        scored_classes=names,
    )
    for arm in study["arms"]:
        arm["per_class"] = [one | {"name": name, "support": 1000 - place} for place, name in enumerate(names)]
    study["confusion"] = None
    study["winner"]["id"] = study["arms"][2]["id"]
    text = render_report(study)
    assert len(text.encode()) < 1_000_000
    assert "800 classes in between are left out here" in Page(text).text()


def test_a_metric_that_is_better_lower_is_ranked_so() -> None:
    study = small_study()
    study["metric"] = "log_loss"
    rows = Page(render_report(study)).table("All arms, best first")[1:]
    scores = [float(row[3].split()[0]) for row in rows]
    assert scores == sorted(scores)


def test_a_study_without_its_parts_is_an_error() -> None:
    study = thyroid_study()
    del study["arms"]
    with pytest.raises(DataError, match="'arms'"):
        render_report(study)


def test_the_study_is_left_as_it_was() -> None:
    study = small_study()
    before = copy.deepcopy(study)
    render_report(study)
    assert study == before


def test_same_study_same_page() -> None:
    assert render_report(small_study()) == render_report(small_study())


def test_write_report_replaces_the_file_in_one_step(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    assert write_report(small_study(), path) == path
    assert path.read_text("utf-8") == render_report(small_study())
    assert list(tmp_path.iterdir()) == [path]

    def full_disk(_: int) -> None:
        raise OSError("no space left")

    whole = path.read_bytes()
    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_report(bare_study(), path)
    assert path.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [path]


def test_write_report_names_a_missing_folder(tmp_path: Any) -> None:
    with pytest.raises(UsageError, match="absent"):
        write_report(thyroid_study(), tmp_path / "absent" / "report.html")


def test_half_a_surrogate_pair_can_be_written(tmp_path: Any) -> None:
    study = small_study()
    study["data"]["path"] = study["command"] = "bad\ud800name.csv"
    study["data"]["classes"][0]["name"] = "bad\ud800class"
    assert write_report(study, tmp_path / "report.html").read_text("utf-8")


def test_importing_the_report_loads_nothing_heavy() -> None:
    code = (
        "import sys, steelyard.report;"
        "print(sorted({'altair', 'vl_convert', 'jinja2', 'pandas', 'torch', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"

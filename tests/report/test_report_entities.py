"""Whole entities in the report of a study of tags, and texts that were won and lost."""

from __future__ import annotations

import numpy as np
import polars as pl
from html_checks import Page
from sample_studies import small_study

import steelyard as sy
from steelyard.report import render_report


def with_entities(study):
    first, second = (arm["id"] for arm in study["arms"][:2])
    study["entities"] = {
        "sentences": 1200,
        "entities": 340,
        "arms": [
            {"id": first, "precision": 0.5, "recall": 0.25, "f1": 1 / 3, "ci": [0.3, 0.36], "delta": 0.0},
            {"id": second, "precision": None, "recall": 0.5, "f1": 0.5, "ci": [0.4, 0.6], "delta": 1 / 6},
        ],
    }
    return study


def table(page, caption):
    return page.tables[next(k for k, text in enumerate(page.captions) if text.startswith(caption))]


def test_entities_stand_beside_tags_best_first():
    study = with_entities(small_study())
    study["test"] = {
        "entities": {"winner": {"f1": 0.4, "delta": 0.15, "delta_ci": [0.1, 0.2]}, "baseline": {"f1": 0.25}}
    }
    page = Page(render_report(study))
    rows = table(page, "Entities, out of fold")
    scores = [row[2].split()[0] for row in rows[1:]]
    assert scores == ["0.500", "0.333"]
    assert "340 entities in 1,200 sentences." in page.text()
    assert "F1 of 0.400, doing nothing 0.250, a change of +0.150" in page.text()
    assert {"href": "#entities"} in page.all("a")
    assert 'id="entities"' not in render_report(small_study())


def test_thresholds_of_labels():
    study = small_study()
    study["labels"] = {"rows_by_number": [1], "thresholds": [{"name": "<b>joy", "count": 1200, "winner": 0.25}]}
    assert table(Page(render_report(study)), "From which")[1] == ["<b>joy", "1,200", "0.250"]


def test_texts_won_and_lost(tmp_path):
    rng = np.random.default_rng(0)
    words = {"joy": "happy glad sunny", "anger": "furious mad shout"}
    several = [[name for name in words if rng.random() < share] for share in (0.2, 0.5) * 60]
    filler = ["the", "a", "of", "<b>", "it", "was", "&"]
    own = [[rng.choice(words[name].split()) for name in row] for row in several]
    texts = [" ".join([*rng.choice(filler, 6), *named]) for named in own]
    Y = np.array([[name in row for name in words] for row in several], dtype=int)
    made = sy.run_study(
        pl.DataFrame({"text": texts}), pl.DataFrame(Y, schema=list(words)), models="linear",
        strategies="do_nothing; pos_weight + threshold", folds=2, n_jobs=1,
    )  # fmt: skip
    text = made.report(tmp_path / "report.html").read_text()
    page = Page(text)
    shown = [body for body in texts if " ".join(body.split()) in page.text()]
    assert 0 < len(shown) <= 36
    assert "labels are wrong" in page.text()
    thresholds = made.record["labels"]["thresholds"]
    assert [entry["name"] for entry in thresholds] in (["joy", "anger"], ["anger", "joy"])
    cuts = dict(zip(words, made.fit().decision.cuts, strict=True))
    assert {entry["name"]: entry["winner"] for entry in thresholds} == cuts

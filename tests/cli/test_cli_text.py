"""Text files from the command line, as they come, with one option or none."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

QUICK = ("--models", "linear(max_iter=30)", "--strategies", "inverse", "--folds", "2", "--jobs", "1")
WORDS = {"joy": "happy glad sunny smile", "anger": "furious mad shout hate", "fear": "scared dark alone shiver"}
FILLER = "the a of some very quite it was then we went home again today with them"


def make_texts(n=90, seed=0, several=False):
    """Texts and the names of their labels; words tell them nearly without fail."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n):
        names = ["joy"] if number % 6 else [["anger", "fear"][number // 6 % 2]]
        if several and number % 5 == 0:
            names = ["joy", "fear"]
        own = [word for name in names for word in rng.choice(WORDS[name].split(), 2)]
        words = rng.permutation([*rng.choice(FILLER.split(), 5), *own])
        rows.append((" ".join(words), names))
    return rows


@pytest.fixture
def numbered(tmp_path):
    """A folder with a headerless file of texts, numbers of labels and ids, and the names beside it."""
    (tmp_path / "labels.txt").write_text("anger\nfear\njoy\n")
    number = {"anger": "0", "fear": "1", "joy": "2"}
    for name, seed in (("train", 0), ("test", 1)):
        lines = [
            f"{text}\t{','.join(number[label] for label in labels)}\tid{k}"
            for k, (text, labels) in enumerate(make_texts(seed=seed, several=True))
        ]
        (tmp_path / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_numbered_labels_beside_a_headerless_file(steelyard, numbered):
    out = numbered / "out"
    found = steelyard("study", numbered / "train.tsv", "--test", numbered / "test.tsv", *QUICK, "--out", out)
    assert found.code == 0
    assert "No line names the columns: they are called text, label, column3." in found.err
    assert "named by labels.txt beside train.tsv, which lists 3 labels" in found.err
    record = json.loads((out / "study.json").read_text())
    assert (record["data"]["task"], record["data"]["target"]) == ("multilabel", "label")
    truth = [labels for _, labels in make_texts(several=True)]
    counted = {entry["name"]: entry["count"] for entry in record["data"]["classes"]}
    assert counted == {name: sum(name in labels for labels in truth) for name in WORDS}
    assert record["test"]["rows"] == 90
    assert record["test"]["winner"]["score"] > 0.9

    # The same form of file, texts alone, and JSON Lines give the same predictions.
    texts = [text for text, _ in make_texts(seed=1, several=True)]
    (numbered / "texts.txt").write_text("\n".join(texts) + "\n")
    (numbered / "rows.jsonl").write_text("".join(json.dumps({"body": text}) + "\n" for text in texts))
    expected = None
    for name, options in (("test.tsv", ()), ("texts.txt", ()), ("rows.jsonl", ()), ("rows.jsonl", ("--text", "body"))):
        target = numbered / "predicted.jsonl"
        found = steelyard("predict", out, numbered / name, *options, "--output", target, "--force")
        assert found.code == 0, found.err
        predicted = pl.read_ndjson(target)["prediction"].to_list()
        expected = expected or predicted
        assert predicted == expected
    truth = [labels for _, labels in make_texts(seed=1, several=True)]
    assert np.mean([set(a) == set(b) for a, b in zip(predicted, truth, strict=True)]) > 0.8


def test_one_number_a_row_is_one_label(steelyard, numbered):
    path = numbered / "train.tsv"
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    path.write_text("".join(f"{text}\t{labels[0]}\n" for text, labels, _ in lines))
    out = numbered / "out"
    assert steelyard("study", path, *QUICK, "--out", out).code == 0
    data = json.loads((out / "study.json").read_text())["data"]
    assert data["task"] == "multiclass"
    assert {entry["name"] for entry in data["classes"]} == set(WORDS)


def test_bad_lists_of_labels(steelyard, numbered):
    path = numbered / "train.tsv"
    whole = path.read_text()
    lines = whole.splitlines()
    lines[3] = lines[3].split("\t")[0] + "\t2,7\tid"
    path.write_text("\n".join(lines))
    found = steelyard("study", path, *QUICK, "--out", numbered / "out")
    assert found.code == 1
    assert "train.tsv, line 4: label 7 is past the end of labels.txt, which names 3 labels (0 to 2)" in found.failure
    path.write_text(whole)
    (numbered / "labels.txt").write_text("anger\nanger\njoy\n")
    found = steelyard("study", path, *QUICK, "--out", numbered / "out")
    assert (found.code, "labels.txt, line 2: 'anger' is there twice" in found.failure) == (1, True)


def test_names_that_hold_the_separator_stay_whole(steelyard, numbered):
    (numbered / "labels.txt").write_text("anger, rage\nfear\njoy|bliss\n")
    out = numbered / "out"
    assert steelyard("study", numbered / "train.tsv", *QUICK, "--out", out).code == 0
    names = {entry["name"] for entry in json.loads((out / "study.json").read_text())["data"]["classes"]}
    assert names == {"anger, rage", "fear", "joy|bliss"}
    # One text could not be taken apart again; a list can.
    found = steelyard("predict", out, numbered / "test.tsv", "--output", numbered / "a.csv")
    assert "joy|bliss" in found.failure
    assert steelyard("predict", out, numbered / "test.tsv", "--output", numbered / "a.jsonl").code == 0


def test_windows_1252_with_nameless_columns(steelyard, tmp_path):
    rows = "".join(f'{labels[0]},"{text}, für",,\n' for text, labels in make_texts())
    path = tmp_path / "spam.csv"
    path.write_bytes(f"class_label,message,,\n{rows}".encode("windows-1252"))
    found = steelyard("study", path, *QUICK, "--out", tmp_path / "out")
    assert found.code == 0
    assert "read as Windows-1252" in found.err
    assert "the last 2 columns have no name and no values: left out" in found.err
    assert "The label is taken from 'class_label' (--target), the text from 'message' (--text)." in found.err
    options = ("--encoding", "latin-1", "--no-header", "--target", "column1", "--out", tmp_path / "other")
    assert steelyard("study", path, *QUICK, *options).code == 0


def test_parts_of_a_json_file(steelyard, tmp_path):
    parts = {
        part: [[text, labels[0]] for text, labels in make_texts(seed=seed)]
        for seed, part in enumerate(["val", "train", "test"])
    }
    path = tmp_path / "data.json"
    path.write_text(json.dumps(parts))
    out = tmp_path / "out"
    found = steelyard("study", path, "--test", path, *QUICK, "--out", out)
    assert found.code == 0
    record = json.loads((out / "study.json").read_text())
    assert record["data"]["rows"] == record["test"]["rows"] == 90
    assert any("the part 'train' are read" in note for note in record["data"]["warnings"])
    found = steelyard("predict", out, path, "--split", "val", "--json")
    predicted = [row["prediction"] for row in json.loads(found.out)]
    assert np.mean([p == label for p, (_, label) in zip(predicted, parts["val"], strict=True)]) > 0.9


def test_text_that_is_not_found_can_be_named(steelyard, tmp_path):
    # Single words are no texts by themselves.
    rows = "".join(f"{labels[0]},{text.split()[-1]}{k}\n" for k, (text, labels) in enumerate(make_texts()))
    path = tmp_path / "words.csv"
    path.write_text(f"label,word\n{rows}")
    found = steelyard("study", path, *QUICK, "--out", tmp_path / "out")
    assert (found.code, "name the column to predict with --target" in found.failure) == (2, True)
    assert steelyard("study", path, *QUICK, "--text", "word", "--out", tmp_path / "out").code == 0
    found = steelyard("study", path, *QUICK, "--text", "wrod", "--target", "label", "--out", tmp_path / "other")
    assert (found.code, "did you mean 'word'?" in found.failure) == (2, True)


def test_equal_texts_share_a_fold_whatever_their_ids(steelyard, tmp_path):
    rows = make_texts(60)
    lines = [f"{labels[0]}\t{text}\tid{k}\n" for k, (text, labels) in enumerate([*rows, *rows[:40]])]
    path = tmp_path / "t.tsv"
    path.write_text("label\ttext\tnumber\n" + "".join(lines))
    found = steelyard("study", path, *QUICK, "--out", tmp_path / "out")
    assert found.code == 0
    assert "equal rows are kept in one fold" in found.err
    predictions = pl.read_parquet(tmp_path / "out" / "predictions.parquet").with_columns(text=pl.col("row") % 60)
    assert predictions.group_by("text").agg(pl.col("fold").n_unique())["fold"].max() == 1


def test_empty_texts_are_said_and_learned_from(steelyard, tmp_path):
    rows = [{"text": "" if k % 9 == 0 else text, "label": labels[0]} for k, (text, labels) in enumerate(make_texts())]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = steelyard("study", path, *QUICK, "--out", tmp_path / "out")
    assert (found.code, "10 texts in 'text' are empty." in found.err) == (0, True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"text,label\nhow are you,a\n\0,b\n", "line 3: NUL byte"),
        (b"text,label\nhow are you,a\n\x81,b\n", "line 3: byte 0x81 is neither UTF-8 nor Windows-1252"),
    ],
)
def test_bytes_that_are_no_text(steelyard, tmp_path, content, message):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    found = steelyard("study", path, *QUICK, "--target", "label", "--out", tmp_path / "out")
    assert (found.code, message in found.failure) == (1, True)


def make_sentences(n=120, seed=0):
    """Lines of a CoNLL file; names begin with a capital, places follow "in"."""
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(n):
        name, place = rng.choice(["Anna", "Bert", "Cleo", "Dora"]), rng.choice(["Ulm", "Bonn", "Kiel"])
        words = [(w, "O") for w in rng.choice(FILLER.split(), 4)]
        words += [(name, "B-PER"), ("Maier", "I-PER"), ("was", "O")] if rng.random() < 0.6 else []
        words += [("in", "O"), (place, "B-LOC")] if rng.random() < 0.3 else []
        lines += [f"{word}\t{tag}" for word, tag in words] + [""]
    return lines


@pytest.fixture
def tagged(tmp_path):
    for name, seed in (("train.conll", 0), ("test.conll", 1)):
        (tmp_path / name).write_text("\n".join(make_sentences(seed=seed)) + "\n")
    return tmp_path


def test_tags_of_tokens(steelyard, tagged):
    from seqeval.metrics import f1_score

    out = tagged / "out"
    found = steelyard("study", tagged / "train.conll", "--test", tagged / "test.conll", *QUICK, "--out", out)
    assert found.code == 0, found.err
    record = json.loads((out / "study.json").read_text())
    assert record["entities"]["sentences"] == 120
    assert "Entities: F1" in found.out

    # Every figure again, by seqeval, from the written predictions; sentences are never torn apart.
    predictions = pl.read_parquet(out / "predictions.parquet").sort("arm", "sequence", "position")
    assert predictions.group_by("arm", "sequence").agg(pl.col("fold").n_unique())["fold"].max() == 1
    for arm in record["entities"]["arms"]:
        rows = predictions.filter(pl.col("arm") == arm["id"]).group_by("sequence", maintain_order=True)
        lists = rows.agg("label", "prediction", "position")
        assert lists["position"].list.len().sum() == record["data"]["rows"]
        assert arm["f1"] == pytest.approx(f1_score(lists["label"].to_list(), lists["prediction"].to_list()))
    assert record["test"]["entities"]["winner"]["f1"] > 0.9
    page = (out / "report.html").read_text()
    assert ("Sentences won and lost" in page) == any(arm["f1"] < 1 for arm in record["entities"]["arms"])

    words = "today Anna Maier was in Ulm"
    (tagged / "raw.txt").write_text(f"{words}\n\nagain\n")
    found = steelyard("predict", out, tagged / "raw.txt", "--json")
    rows = json.loads(found.out)
    assert [row["token"] for row in rows] == [*words.split(), "again"]
    assert [row["sequence"] for row in rows] == [0] * 6 + [1]
    assert [row["prediction"] for row in rows[:6]] == ["O", "B-PER", "I-PER", "O", "O", "B-LOC"]


def test_tokens_without_a_tag_are_seen_by_their_neighbours_and_not_scored(steelyard, tagged):
    from seqeval.metrics import f1_score

    out, ignored = tagged / "out", {"was": "-X-", "home": "-100"}
    for path in (tagged / "train.conll", tagged / "test.conll"):
        lines = [line.split("\t") for line in path.read_text().splitlines()]
        path.write_text("\n".join("\t".join([line[0], ignored.get(line[0], line[-1])]) for line in lines).strip("\t"))
    arguments = ("--test", tagged / "test.conll", *QUICK, "--ignore-tag", "-X-, -100", "--out", out)
    found = steelyard("study", tagged / "train.conll", *arguments)
    assert found.code == 0, found.err
    tokens = [line.split("\t") for line in make_sentences() if line]
    n_ignored = sum(word in ignored for word, _ in tokens)
    assert f"{n_ignored} tokens have no tag" in found.err
    record = json.loads((out / "study.json").read_text())
    assert record["data"]["rows"] == len(tokens) - n_ignored
    assert {kind["name"] for kind in record["data"]["classes"]} == {"O", "B-PER", "I-PER", "B-LOC"}

    # Places are those of the file, and entities are counted over the tokens that have a tag.
    predictions = pl.read_parquet(out / "predictions.parquet").sort("arm", "sequence", "position")
    places = [(row, k) for row, words in enumerate(_sentences(make_sentences())) for k in range(len(words))]
    known = [place for place, (word, _) in zip(places, tokens, strict=True) if word not in ignored]
    for arm in record["entities"]["arms"]:
        rows = predictions.filter(pl.col("arm") == arm["id"])
        assert rows.select("sequence", "position").rows() == known
        lists = rows.group_by("sequence", maintain_order=True).agg("label", "prediction")
        assert arm["f1"] == pytest.approx(f1_score(lists["label"].to_list(), lists["prediction"].to_list()))
    assert record["test"]["entities"]["winner"]["f1"] > 0.9


def _sentences(lines):
    made = [[]]
    for line in lines:
        made[-1].append(line) if line else made.append([])
    return made[:-1]


def test_a_tag_may_be_empty_only_where_that_is_said(steelyard, tagged):
    path = tagged / "train.conll"
    path.write_text(path.read_text().replace("\tO\n", "\t\n", 1))
    found = steelyard("study", path, *QUICK, "--out", tagged / "out")
    assert (found.code, "the tag is empty: write one, or say --ignore-tag ''" in found.failure) == (1, True)
    found = steelyard("study", path, *QUICK, "--ignore-tag", "", "--out", tagged / "out")
    assert (found.code, "1 token has no tag" in found.err) == (0, True)


def test_tags_that_break_their_scheme_are_put_right(steelyard, tagged):
    path = tagged / "train.conll"
    lines = make_sentences()
    first = next(number for number, line in enumerate(lines) if line.endswith("B-PER"))
    lines[first] = lines[first].replace("B-PER", "I-PER")
    path.write_text("\n".join(lines))
    found = steelyard("study", path, *QUICK, "--out", tagged / "out")
    assert found.code == 0
    assert f"(the first is 'I-PER' in line {first + 1})" in found.err


def test_conll_files_that_cannot_be_studied(steelyard, tagged):
    path = tagged / "train.conll"
    lines = make_sentences()
    lines[2] += "\textra"
    path.write_text("\n".join(lines))
    found = steelyard("study", path, *QUICK, "--out", tagged / "out")
    assert (found.code, "line 3: 3 columns where the lines before have 2" in found.failure) == (1, True)
    path.write_text("Anna\nwas\n\nhere\n")
    found = steelyard("study", path, *QUICK, "--out", tagged / "out")
    assert (found.code, "the tag of each token belongs into the last" in found.failure) == (1, True)
    assert not (tagged / "out").exists()


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "parquet"])
def test_a_large_file_is_worked_through_in_portions(steelyard, numbered, monkeypatch, form):
    out = numbered / "out"
    assert steelyard("study", numbered / "train.tsv", *QUICK, "--out", out).code == 0
    rows = numbered / "rows.jsonl"
    texts = [text for text, _ in make_texts(seed=1, several=True)]
    # The last rows name no key but the text's.
    lines = [{"body": text, "id": k} if k < 70 else {"body": text} for k, text in enumerate(texts)]
    rows.write_text("".join(json.dumps(line) + "\n" for line in lines))
    arguments = ("predict", out, rows, "--text", "body", "--id", "id", "--proba")
    found = []
    for size in (4_000_000, 600):
        monkeypatch.setattr("steelyard.data.portions.PORTION", size)
        target = numbered / f"{size}.{form}"
        assert steelyard(*arguments, "--output", target).code == 0
        printed = [steelyard(*arguments, *json_).out for json_ in ((), ("--json",))]
        assert len(json.loads(printed[1])) == 90
        found.append((target.read_bytes(), *printed))
    if form == "parquet":
        whole, parts = (pl.read_parquet(numbered / f"{size}.{form}") for size in (4_000_000, 600))
        assert whole.equals(parts)
        assert found[0][1:] == found[1][1:]
    else:
        assert found[0] == found[1]

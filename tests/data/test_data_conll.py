"""CoNLL files: tabs or spaces, comments, blank lines, and lines that are wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from steelyard.data import is_conll, read_conll
from steelyard.errors import DataError

NER = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "ner"


@pytest.fixture
def write(tmp_path):
    def _write(content, name="a.conll"):
        path = tmp_path / name
        path.write_bytes(content.encode())
        return path

    return _write


@pytest.mark.parametrize(
    "content",
    [
        "Ulm\tB-LOC\n.\tO\n\nOh\tO\n",
        "Ulm B-LOC\n. O\n\nOh O\n",
        "Ulm\tB-LOC\r\n.\tO\r\n\t\r\n\r\nOh\tO",
        "# a comment\nUlm NNP x B-LOC\n. . y O\n\n# sent_id = 2\nOh UH z O\n\n\n",
        "-DOCSTART- -X- O\n\nUlm NNP B-LOC\n. . O\n\nOh UH O\n",
    ],
)
def test_the_same_tokens_however_they_are_written(write, content):
    tokens = read_conll(write(content))
    assert tokens.words == ("Ulm", ".", "Oh")
    assert tokens.tags == ("B-LOC", "O", "O")
    assert tokens.lengths.tolist() == [2, 1]
    assert (tokens.sentence.tolist(), tokens.position.tolist()) == ([0, 0, 1], [0, 1, 0])


def test_a_hash_can_be_a_token(write):
    assert read_conll(write("#\tO\n# one\tO\n# two\n")).words == ("#", "# one")


def test_words_alone(write):
    tokens = read_conll(write("Ulm\n.\n\nOh\n"))
    assert (tokens.words, tokens.tags, tokens.lines.tolist()) == (("Ulm", ".", "Oh"), None, [1, 2, 4])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Ulm\tB-LOC\n.\n", "line 2: 1 column where the lines before have 2"),
        ("a\tO\n\nUlm\tNNP\tB-LOC\n", "line 3: 3 columns where the lines before have 2"),
        ("a\tO\n\tO\n", "line 2: the word is empty"),
        ("a\tO\nb\t \n", "line 2: the tag is empty"),
        ("# nothing\n", "has no token"),
        ("a\tO\nb\0\tO\n", "line 2: NUL byte"),
        ("", "is empty"),
    ],
)
def test_lines_that_are_wrong(write, content, message):
    with pytest.raises(DataError, match=message):
        read_conll(write(content))


def test_files_are_told_by_what_they_hold(write):
    assert is_conll(write("a\tO\n\nb\tB-X\n", "a.tsv"))
    assert is_conll(write("anything", "a.conll"))
    assert not is_conll(write("text\tlabel\nhow are you\tO\n", "b.tsv"))
    assert not is_conll(write("a\tO\nb\tB-X\n", "c.csv"))
    # Without a blank line in between it may as well be a table of words.
    assert not is_conll(write("a\tO\nb\tB-X\n", "d.tsv"))


@pytest.mark.skipif(not NER.is_dir(), reason="the data are not here")
@pytest.mark.parametrize(
    ("name", "tokens", "outside"),
    [("wnut17/wnut17train.conll", 62730, 59570), ("ncbi-disease/train.tsv", 135701, 124452)],
)
def test_real_files(name, tokens, outside):
    found = read_conll(NER / name)
    assert is_conll(NER / name)
    assert (len(found.words), found.tags.count("O")) == (tokens, outside)
    assert found.lengths.sum() == tokens
    assert (np.diff(found.lines) > 0).all()

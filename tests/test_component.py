"""The text form: what users write is what they get back."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.component import (
    Component,
    FrozenMap,
    component,
    format_value,
    from_saved,
    parse_calls,
    split_outside,
)
from steelyard.errors import ArtifactError, ParseError, UsageError
from steelyard.registry import components, get, parse, register


@component
class Sample(Component):
    kind = "weighting"
    name = "sample"
    shown = ("size",)

    size: float = 1.0
    label: str | None = None
    extra: object = None


scalars = st.one_of(
    st.booleans(),
    st.none(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=8), inner, max_size=3).map(FrozenMap),
    ),
    max_leaves=6,
)


@given(values)
def test_any_value_survives_its_text_form(value: object) -> None:
    (call,) = parse_calls(f"sample(extra={format_value(value)})")
    assert call.kwargs["extra"] == value


def test_numbers_and_words_are_told_apart() -> None:
    (call,) = parse_calls("m(a=1, b=1.5, c=1e-4, d=true, e=none, f=macro_f1, g='007', h=nan)")
    assert call.kwargs == {
        "a": 1, "b": 1.5, "c": 1e-4, "d": True, "e": None, "f": "macro_f1", "g": "007", "h": "nan",
    }  # fmt: skip


def test_class_names_as_keys_stay_text() -> None:
    (call,) = parse_calls("manual({007: 2, None: 3, 'a b': 1})")
    assert dict(call.args[0]) == {"007": 2, "None": 3, "a b": 1}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "name"),
        ("a +", "name"),
        ("a(", "value"),
        ("a(b=)", "value"),
        ("a(b=1", "')'"),
        ("a b", "end"),
        ("a(b=1, 2)", "positional"),
        ("a(b='x)", "quote"),
        ("a({b 1})", "':'"),
        ("a(b=1, b=2)", "twice"),
    ],
)
def test_what_cannot_be_read_says_what_was_expected(text: str, where: str) -> None:
    with pytest.raises(ParseError, match="cannot read") as caught:
        parse_calls(text)
    assert where in str(caught.value)


def test_lists_split_outside_brackets_and_quotes() -> None:
    assert split_outside("a(x=1, y='b, c'), d", ",") == ["a(x=1, y='b, c')", "d"]
    assert split_outside("; a; ;b ", ";") == ["a", "b"]


def test_shown_parameters_are_always_written_and_others_only_when_changed() -> None:
    assert str(Sample()) == "sample(size=1)"
    assert str(Sample(2.5, "x")) == "sample(size=2.5, label=x)"


def test_equality_and_hash_are_those_of_the_parameters() -> None:
    assert Sample(2) == Sample(2.0)
    assert hash(Sample(2)) == hash(Sample(2.0))
    assert Sample(2) != Sample(3)
    assert pickle.loads(pickle.dumps(Sample(2))) == Sample(2)  # workers get components this way


def test_a_wrong_parameter_is_named_with_the_known_ones() -> None:
    with pytest.raises(ParseError, match=r"no parameter 'betta'; it takes .*beta"):
        parse("weighting", "effective_number(betta=0.9)")
    with pytest.raises(ParseError, match="at most"):
        parse("loss", "focal(1, 2)")


def test_a_saved_component_of_another_version_is_refused() -> None:
    with pytest.raises(ArtifactError, match=r"cannot read the loss 'focal.v9'"):
        from_saved(components("loss"), "loss", {"name": "focal.v9", "params": {}})


def test_an_added_component_is_found_and_a_second_of_that_name_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is added here must not be found by the tests of real weightings in the same process.
    monkeypatch.setattr("steelyard.registry._added", {})
    register(Sample)
    assert get("weighting", "sample") is Sample
    with pytest.raises(UsageError, match="already"):
        register(Sample)


def test_something_without_a_text_form_says_so() -> None:
    with pytest.raises(UsageError, match="no text form"):
        format_value(object())

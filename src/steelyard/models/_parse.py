"""Models from what users write: a name, a text form, an estimator, or a list of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from steelyard import registry
from steelyard.component import split_outside
from steelyard.errors import UsageError
from steelyard.models._base import Model
from steelyard.models._sklearn import SklearnModel


def parse_model(given: Any) -> Model:
    """Model from its text form, a :class:`Model`, or a scikit-learn classifier.

    Raises
    ------
    UnknownNameError
        When the text names no model; the message lists the known ones.
    UsageError
        When it is none of these.

    Examples
    --------
    >>> str(parse_model("boosting(learning_rate=0.05)"))
    'boosting(learning_rate=0.05)'
    """
    if isinstance(given, Model):
        given.check()
        return given
    if isinstance(given, str):
        model = cast(Model, registry.parse("model", given))
        model.check()
        return model
    if hasattr(given, "fit") and hasattr(given, "predict_proba") and not isinstance(given, type):
        return SklearnModel(given)
    raise UsageError(f"a model is a name such as 'linear' or a classifier with fit and predict_proba, not {given!r}")


def parse_models(given: Any) -> tuple[Model, ...]:
    """Models from a text ``"linear, forest"``, one model, or an iterable of models; equal ones are kept once.

    Examples
    --------
    >>> [str(model) for model in parse_models("linear(C=0.1), boosting")]
    ['linear(C=0.1)', 'boosting']
    """
    if isinstance(given, str):
        given = split_outside(given, ",")
    elif not isinstance(given, Iterable) or hasattr(given, "fit"):
        given = [given]
    models = tuple(dict.fromkeys(parse_model(item) for item in given))
    if not models:
        raise UsageError("no model given; name some, such as 'linear, boosting'")
    return models


def model_from_saved(saved: Mapping[str, Any]) -> Model:
    """Model from its dict form in a saved model or a study."""
    if saved.get("name") == f"{SklearnModel.name}.v{SklearnModel.version}":
        return SklearnModel(None, text=str(saved["params"]["text"]))
    return cast(Model, registry.from_dict("model", saved))

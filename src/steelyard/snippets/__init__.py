"""A strategy as code that can be pasted: for scikit-learn, for PyTorch, for Transformers.

What a reader has to bring (rows, labels, a network) is named in the first line of each snippet; the rest runs as it
is. Nothing here imports those libraries: it only writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from steelyard.models import Model
from steelyard.snippets._code import Recipe
from steelyard.snippets.pytorch import pytorch
from steelyard.snippets.scikit_learn import scikit_learn
from steelyard.snippets.transformers import transformers
from steelyard.strategy import Strategy

__all__ = ["FRAMEWORKS", "write_snippets"]

#: Name of a library, and what writes a recipe for it.
FRAMEWORKS: Mapping[str, Callable[[Recipe], str]] = {
    "scikit-learn": scikit_learn,
    "PyTorch": pytorch,
    "Transformers": transformers,
}


def write_snippets(strategy: Strategy | str, model: Model | str | None = None, *, n_classes: int = 3) -> dict[str, str]:
    """Code that does what a strategy says, for each library.

    Parameters
    ----------
    strategy : Strategy or str
    model : Model or str, optional
        What the scikit-learn code trains; a linear model when left out, or where scikit-learn has nothing alike.
    n_classes : int
        2 for binary problems, where a tuned rule is a threshold.

    Returns
    -------
    dict of str to str
        Python code by the name of the library; none where rows without a label are to be given one.

    Examples
    --------
    >>> print(write_snippets("inverse")["scikit-learn"].splitlines()[0])
    # Yours: X, y (training rows and their labels, arrays) and X_new.
    >>> "sy.losses.Focal(gamma=2" in write_snippets("inverse + focal(gamma=2)")["PyTorch"]
    True
    """
    value = Strategy.parse(strategy) if isinstance(strategy, str) else strategy
    if "labelling" in value.active():
        return {}
    recipe = Recipe(value, _model_text(model), n_classes)
    return {name: _without_unused(write(recipe)) for name, write in FRAMEWORKS.items()}


def _without_unused(code: str) -> str:
    return code if "np." in code else code.replace("import numpy as np\n", "")


def _model_text(model: Any) -> str:
    return "" if model is None else str(model)

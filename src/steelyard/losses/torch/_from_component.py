"""The PyTorch module of a strategy's loss slot."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from steelyard.errors import UsageError
from steelyard.losses._base import Loss
from steelyard.losses.torch import MODULES
from steelyard.losses.torch._base import TorchLoss
from steelyard.losses.torch._elementwise import SigmoidLoss

#: Loss component -> its form for many labels a row, where that has a name of its own.
_MANY_LABELS = {"cross_entropy": "binary_cross_entropy", "focal": "sigmoid_focal"}


def torch_loss(loss: Loss, counts: Any, *, multilabel: bool = False, **options: Any) -> TorchLoss:
    """PyTorch module of a loss component, found by its name: the one in the file of that name.

    Parameters
    ----------
    loss : Loss
    counts : LabelCounts
        For losses that need to know how many rows each class has.
    multilabel : bool, default False
        Whether a row has any number of labels.
    **options
        Further arguments of the module.

    Raises
    ------
    UsageError
        When there is none, or it is not for that kind of labels.
    """
    name = _MANY_LABELS.get(loss.name, loss.name) if multilabel else loss.name
    for cls_name, module in MODULES.items():
        if module == name:
            cls: type[TorchLoss] = getattr(importlib.import_module(f"steelyard.losses.torch.{module}"), cls_name)
            break
    else:
        raise UsageError(f"the loss {loss.name} has no PyTorch module of its name in steelyard.losses")
    if issubclass(cls, SigmoidLoss) != multilabel:
        many, one = ("many labels a row", "one label a row")[:: 1 if multilabel else -1]
        raise UsageError(f"the loss {loss.name} is for {one}, but the counts are of {many}: take another loss")
    known = inspect.signature(cls).parameters
    if "counts" in known:
        options["counts"] = counts
    # A parameter that says "nothing" may be one that the module does not have.
    given = {key: value for key, value in loss.params().items() if value or key in known}
    try:
        return cls(**given, **options)
    except TypeError as error:
        raise UsageError(f"the loss {loss} cannot be made a PyTorch module: {error}") from None

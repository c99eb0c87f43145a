"""Powers of probabilities, by multiplication where the exponent allows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def power(base: Tensor, exponent: Any) -> Tensor:
    """``base ** exponent`` for a base in [0, 1]; 0 ** 0 is 1."""
    if isinstance(exponent, Tensor):
        return torch.pow(base, exponent)
    if exponent == 0:
        return torch.ones_like(base)
    if exponent == 0.5:
        return base.sqrt()
    if exponent == 1:
        return base
    if exponent in (2, 3, 4, 5):
        square = base * base
        if exponent == 2:
            return square
        if exponent == 3:
            return square * base
        return square * square if exponent == 4 else square * square * base
    return torch.pow(base, exponent)


def single(exponents: Tensor) -> float | None:
    """The exponent, where all classes have the same."""
    first = float(exponents[0])
    return first if bool((exponents == first).all()) else None

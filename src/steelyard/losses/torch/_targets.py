"""Targets and sample weights: their shapes, their values, and which entries count."""

from __future__ import annotations

import torch
from torch import Tensor

from steelyard.errors import DataError, UsageError

#: How far the sum of a soft target may be from 1: bfloat16 targets over many classes need as much.
SUM_TOLERANCE = 0.02


def can_look(tensor: Tensor) -> bool:
    """Whether values may be read: not while compiling, and not where reading would stall a GPU."""
    return not torch.compiler.is_compiling() and tensor.device.type == "cpu"


def check_class_indices(logits: Tensor, target: Tensor, dim: int, ignore_index: int) -> Tensor | None:
    """Which class indices count, or None where all do.

    Raises
    ------
    UsageError
        When the target's shape does not go with the logits'.
    DataError
        When an index is out of range; it is named, with its position.
    """
    expected = (*logits.shape[:dim], *logits.shape[dim + 1 :])
    n_classes = logits.shape[dim]
    if tuple(target.shape) != expected:
        hint = ""
        if target.shape == logits.shape:
            hint = "; a target of the logits' shape holds probabilities and must be floating-point"
        raise UsageError(
            f"target has shape {tuple(target.shape)}, but logits of shape {tuple(logits.shape)} with classes in "
            f"dimension {dim} need class indices of shape {expected}{hint}"
        )
    if not can_look(target):
        valid = target != ignore_index
        wrong = valid & ((target < 0) | (target >= n_classes))
        if not torch.compiler.is_compiling():
            torch._assert_async(~wrong.any(), "target out of range")
        return valid
    if target.numel() == 0:
        return None
    low, high = (extreme.item() for extreme in torch.aminmax(target))
    if low >= 0 and high < n_classes and not low <= ignore_index <= high:
        return None
    valid = target != ignore_index
    wrong = valid & ((target < 0) | (target >= n_classes))
    if bool(wrong.any()):
        place = _position(wrong)
        raise DataError(
            f"target{list(place)} is {int(target[place])}, but the logits have {n_classes} classes: it must be 0 to "
            f"{n_classes - 1}, or {ignore_index} to be ignored"
        )
    return valid


def check_distributions(logits: Tensor, target: Tensor, dim: int) -> Tensor | None:
    """Which examples with soft targets count, or None where all do; NaN means unknown."""
    _same_shape(logits, target, "probabilities")
    if not can_look(target):
        return ~target.isnan().any(dim)
    sums = target.sum(dim)
    valid = None
    if bool(sums.isnan().any()):
        valid = ~target.isnan().any(dim)
        target = torch.where(valid.unsqueeze(dim), target, 1.0 / target.shape[dim])
        sums = target.sum(dim)
    if target.numel() and not float(target.min()) >= 0:
        place = _position(~(target >= 0))
        raise DataError(f"target{list(place)} is {float(target[place]):g}: a probability is not below 0")
    wrong = ~((sums - 1).abs() <= SUM_TOLERANCE)
    if bool(wrong.any()):
        place = _position(wrong)
        raise DataError(f"the target of example {list(place)} sums to {float(sums[place]):g}, not to 1")
    return valid


def check_labels(logits: Tensor, target: Tensor) -> bool:
    """Whether labels (entries 0 to 1) of a binary loss may have NaN (unknown) among them."""
    _same_shape(logits, target, "labels (0, 1, or between)")
    if not target.is_floating_point():
        if target.dtype != torch.bool and can_look(target) and target.numel():
            _in_unit_range(target, *torch.aminmax(target))
        return False
    if not can_look(target) or not target.numel():
        return True
    low, high = torch.aminmax(target)
    if low.item() >= 0 and high.item() <= 1:
        return False
    if bool(low.isnan()):
        known = torch.where(target.isnan(), torch.zeros_like(target), target)
        _in_unit_range(known, *torch.aminmax(known))
        return True
    _in_unit_range(target, low, high)
    return False


def check_sample_weight(sample_weight: Tensor | None, shape: torch.Size, what: str) -> Tensor | None:
    """Sample weights that have the dimensions of the elements they belong to."""
    if sample_weight is None:
        return None
    given = sample_weight.shape
    fits = len(given) == len(shape) and all(a in (1, b) for a, b in zip(given, shape, strict=True))
    if not fits:
        hint = ""
        if len(shape) > 1 and tuple(given) == tuple(shape[:1]):
            full = tuple([int(shape[0])] + [1] * (len(shape) - 1))
            hint = f": for one weight per row give it the shape {full}, sample_weight.view{(-1, *full[1:])}"
        raise UsageError(f"sample_weight has shape {tuple(given)}, but {what} {tuple(shape)}{hint}")
    if sample_weight.requires_grad and torch.is_grad_enabled():
        raise UsageError(
            "sample_weight requires grad, but no gradient flows to weights: detach it, or use reduction='none' and "
            "multiply by it"
        )
    if can_look(sample_weight) and sample_weight.numel():
        low, high = torch.aminmax(sample_weight)
        if not (float(low) >= 0 and float(high) < float("inf")):
            place = _position(~((sample_weight >= 0) & (sample_weight < float("inf"))))
            raise UsageError(
                f"sample_weight must be finite and not below 0, but {list(place)} is {float(sample_weight[place]):g}"
            )
    return sample_weight


def check_detached(target: Tensor, logits: Tensor) -> None:
    """Refuse targets that wait for a gradient they would not get, or that live elsewhere."""
    if target.requires_grad and torch.is_grad_enabled():
        raise UsageError("target requires grad, but no gradient flows to targets: give target.detach()")
    if target.device != logits.device:
        raise UsageError(f"target is on {target.device}, but the logits are on {logits.device}")


def _same_shape(logits: Tensor, target: Tensor, what: str) -> None:
    if target.shape != logits.shape:
        raise UsageError(f"target has shape {tuple(target.shape)}, but {what} need the logits' {tuple(logits.shape)}")


def _in_unit_range(target: Tensor, low: Tensor, high: Tensor) -> None:
    if not (float(low) >= 0 and float(high) <= 1):
        place = _position(~((target >= 0) & (target <= 1)))
        raise DataError(f"target{list(place)} is {float(target[place]):g}: a label is 0, 1, between, or NaN (unknown)")


def _position(wrong: Tensor) -> tuple[int, ...]:
    return tuple(wrong.nonzero()[0].tolist())

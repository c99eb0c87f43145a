"""What all torch losses share: their numbers as buffers, their reduction, the type they compute in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from steelyard.errors import UsageError
from steelyard.losses.torch._reduction import check_num_items, check_reduction
from steelyard.losses.torch._targets import check_detached

_HALF = (torch.float16, torch.bfloat16)


class TorchLoss(nn.Module):
    """Base of the losses.

    Parameters
    ----------
    weight : Tensor, sequence, ClassWeights, optional
        Weight of each class, shape (C,).
    reduction : {"mean", "weighted_mean", "sum", "none"}
    class_dim : int
        Where the logits have their classes.
    dtype : torch.dtype, optional
        The type to compute in: by default float64 for float64 logits, else float32.
    """

    weight: Tensor | None

    def __init__(
        self, weight: Any = None, *, reduction: str = "mean", class_dim: int = 1, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        self.register_buffer("weight", as_vector("weight", weight))
        self.reduction = check_reduction(reduction)
        self.class_dim = class_dim
        if dtype not in (None, torch.float32, torch.float64):
            raise UsageError(
                f"dtype must be torch.float32 or torch.float64, not {dtype}: sums in half precision are wrong"
            )
        self.dtype = dtype

    def check_call(self, logits: Tensor, target: Tensor, num_items: Tensor | float | None) -> torch.dtype:
        """Refuse what no loss can take, and say which type to compute in."""
        check_detached(target, logits)
        check_num_items(self.reduction, num_items)
        return self.compute_dtype(logits)

    def compute_dtype(self, logits: Tensor) -> torch.dtype:
        """Type the loss of these logits is computed in."""
        if not logits.is_floating_point():
            raise UsageError(f"logits must be floating-point numbers, not {logits.dtype}")
        if self.dtype is not None:
            return self.dtype
        return torch.float32 if logits.dtype in _HALF else logits.dtype

    def classes_at(self, logits: Tensor) -> int:
        """The classes' dimension in logits of this many dimensions, not negative."""
        dims = logits.dim()
        if dims == 1 and self.class_dim == 1:
            return 0
        if not -dims <= self.class_dim < dims:
            raise UsageError(f"logits of shape {tuple(logits.shape)} have no dimension {self.class_dim} (class_dim)")
        return self.class_dim % dims

    def set_weight(self, weight: Any) -> None:
        """Replace the class weights; what a weight schedule calls between epochs.

        Parameters
        ----------
        weight : Tensor, sequence, ClassWeights or None
            Moved to where the old ones are.
        """
        old = self._buffers.get("weight")
        new = as_vector("weight", weight)
        self._buffers["weight"] = new if new is None or old is None else new.to(old.device)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> TorchLoss:
        for name, buffer in self._buffers.items():
            if buffer is not None and buffer.dtype == torch.float64:
                try:
                    fn(buffer)
                except TypeError:  # a device without float64
                    self._buffers[name] = buffer.float()
        # model.half() must not round class weights: 70000 would become inf, 1e-8 would become 0.
        exact = dict(self._buffers)
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, moved in self._buffers.items():
            if moved is not None and moved.dtype in _HALF:
                before = exact[name]
                assert before is not None
                self._buffers[name] = before.to(moved.device)
        return self

    def extra_repr(self) -> str:
        """Parameters shown in ``repr(model)``."""
        weighted = "" if self.weight is None else f"weight={[round(w, 4) for w in self.weight.tolist()[:10]]}, "
        return f"{weighted}reduction={self.reduction!r}"


def as_vector(name: str, value: Any, low: float = 0.0) -> Tensor | None:
    """A tensor (n_classes,) of finite numbers from whatever the caller has.

    Parameters
    ----------
    name : str
        The argument's name, for messages.
    value : Tensor, sequence, array, number, ClassWeights, mapping or None
        A plain mapping must have the class indices 0 to n - 1 as keys.
    low : float
        The least number that is allowed. At 0 the numbers are weights: not all of them may be 0.
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        value = _from_mapping(name, value)
    try:
        # Copied, so that the caller's array can change without the loss changing.
        vector = value.detach().clone() if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise UsageError(f"{name} must be numbers, one for each class, not {value!r}") from None
    if not vector.is_floating_point():
        vector = vector.to(torch.float64)
    vector = vector.reshape(1) if vector.dim() == 0 else vector
    if vector.dtype in _HALF:
        vector = vector.float()
    if vector.dim() != 1:
        raise UsageError(f"{name} must have one number for each class, not the shape {tuple(vector.shape)}")
    wrong = ~(torch.isfinite(vector) & (vector >= low))
    if bool(wrong.any()):
        place = int(wrong.nonzero()[0])
        raise UsageError(f"{name} must be finite and not below {low:g}, but entry {place} is {float(vector[place]):g}")
    if name.endswith("weight") and not bool((vector > 0).any()):
        raise UsageError(f"{name} is 0 for every class: nothing would be learned")
    return vector


def _from_mapping(name: str, value: Mapping[Any, Any]) -> Any:
    if hasattr(value, "as_array"):
        return value.as_array()
    if set(value) != set(range(len(value))):
        raise UsageError(
            f"{name} as a mapping must have the class indices 0 to {len(value) - 1} as keys, not "
            f"{', '.join(map(repr, list(value)[:5]))}: which class is which index only the caller knows"
        )
    return [value[place] for place in range(len(value))]


def check_length(name: str, vector: Tensor | None, n_classes: int) -> None:
    """Refuse one number per class where there are not as many classes."""
    if vector is not None and vector.shape[0] not in (1, n_classes):
        raise UsageError(f"{name} has {vector.shape[0]} entries, but the logits have {n_classes} classes")


def number(name: str, value: Any, low: float, high: float = float("inf")) -> float:
    """A finite float in a closed range."""
    try:
        result = float(value)
    except (TypeError, ValueError):
        raise UsageError(f"{name} must be a number, not {value!r}") from None
    if not (low <= result <= high) or result == float("inf"):
        upper = "" if high == float("inf") else f" and not above {high:g}"
        raise UsageError(f"{name} must not be below {low:g}{upper}, not {result:g}")
    return result

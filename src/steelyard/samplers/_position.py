"""Which positions of the global draw this process takes."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from steelyard.errors import UsageError


def whole_number(name: str, value: Any, least: int) -> int:
    """A whole number of at least ``least``, or an error that names the argument."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise UsageError(f"{name} must be a whole number of at least {least}, not {value!r}")
    return int(value)


def checked_rank(rank: Any, world_size: Any) -> tuple[int, int] | None:
    """Rank and number of ranks as given; None when both are to be asked of torch.distributed.

    Raises
    ------
    UsageError
        When only one is given, or the rank is not below the number of ranks.
    """
    if rank is None and world_size is None:
        return None
    if rank is None or world_size is None:
        raise UsageError("give rank and world_size together, or neither")
    size = whole_number("world_size", world_size, 1)
    if whole_number("rank", rank, 0) >= size:
        raise UsageError(f"rank {rank} does not exist among world_size={size} ranks: they count from 0 to {size - 1}")
    return int(rank), size


def current_rank() -> tuple[int, int]:
    """Rank and number of ranks of the running process group; (0, 1) without one."""
    # A process group exists only where torch.distributed was imported, so it is never imported to find out.
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return 0, 1
    return int(distributed.get_rank()), int(distributed.get_world_size())

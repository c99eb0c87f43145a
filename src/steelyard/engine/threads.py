"""Numerical libraries held to one thread: sums in another order would give other last digits."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any


def one_thread() -> Any:
    """Context in which BLAS and OpenMP use one thread; it belongs to the process, not to the thread.

    Examples
    --------
    >>> with one_thread():
    ...     pass
    """
    return _controller(len(sys.modules)).limit(limits=1)


@lru_cache(maxsize=1)
def _controller(n_modules: int) -> Any:
    # Finding the libraries means reading the map of the process, which takes longer than a small fit; only an import
    # can bring new ones.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()

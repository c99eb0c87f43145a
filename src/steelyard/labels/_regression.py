"""Labels that are no classes but a quantity, told by their values."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from steelyard.labels._encode import encode_labels

#: Spellings that readers and people use for "no value"; in a quantity they are gaps, not class names.
_GAPS = frozenset({"", "na", "n/a", "nan", "none", "null", "?", "-"})
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
_LEADING_ZERO = re.compile(r"[+-]?0\d")


def regression_reason(values: Any) -> str | None:
    """Why labels look like a quantity to be predicted and not like classes, or None when they do not.

    Numbers, and texts that all read as numbers (a CSV file gives texts), look like a quantity when

    - some have a fraction, and there are more than 20 different ones, over a tenth of the rows; or
    - most have a fraction, and there are more than 100 different ones; or
    - all are whole, and there are more than 50 different ones.

    Numbers with leading zeros are names; gaps spelled ``NA``, ``nan``, ``?`` are left aside.

    Parameters
    ----------
    values : array-like of shape (n_samples,) or EncodedLabels

    Returns
    -------
    str or None
        The reason, to be followed by what to do about it.

    Examples
    --------
    >>> regression_reason([str(value / 7) for value in range(50)])
    '50 different numbers in 50 rows, most with a fraction'
    >>> regression_reason(["0", "1", "1", "0"]) is None
    True
    """
    encoded = encode_labels(values)
    used = np.bincount(encoded.codes[encoded.codes >= 0], minlength=len(encoded.classes))
    numbers = []
    rows = 0
    for value, count in zip(encoded.classes, used.tolist(), strict=True):
        if isinstance(value, str):
            text = value.strip()
            if text.lower() in _GAPS:
                continue
            if not _DECIMAL.match(text) or _LEADING_ZERO.match(text):
                return None
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        numbers.append(float(value))
        rows += count
    distinct = len(set(numbers))
    broken = sum(not number.is_integer() for number in set(numbers))
    if not (
        (broken and distinct > 20 and distinct > rows / 10)
        or (broken > distinct / 2 and distinct > 100)
        or distinct > 50
    ):
        return None
    share = "most" if broken > distinct / 2 else "some"
    return f"{distinct} different numbers in {rows} rows" + (f", {share} with a fraction" if broken else "")

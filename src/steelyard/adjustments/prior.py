"""Post-hoc logit adjustment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from steelyard.adjustments._base import Adjustment, Array, ClassFactors, present_priors
from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.searched import Range, declared


@component
class Prior(Adjustment):
    """Divides by the class shares of the training rows: post-hoc logit adjustment.

    ``p_k / prior_k^tau``, with rows that sum to 1 again (Menon et al. 2021, "Long-tail learning via logit
    adjustment", equation 9). With tau = 1 the classes compete as if all were equally common, which is what
    balanced accuracy asks for. An absent class is treated like the rarest present one.

    Parameters
    ----------
    tau : float
        Strength; 0 leaves probabilities as they are.

    Examples
    --------
    >>> import numpy as np
    >>> bound = Prior().bind(priors=np.array([0.75, 0.25]), weights=np.ones(2))
    >>> bound.transform(np.array([[0.6, 0.4]])).round(4).tolist()
    [[0.3333, 0.6667]]
    """

    tau: float = 1.0

    name = "prior"
    shown = ("tau",)
    ranges = declared(tau=Range(0, 2))
    raises_rare: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not math.isfinite(self.tau):
            raise UsageError(f"prior: tau must be a finite number, not {self.tau}; write prior(tau=1)")

    def bind(self, *, priors: Array, weights: Array, classes: Sequence[Any] = ()) -> ClassFactors:
        """Factors ``(smallest prior / prior)^tau``."""
        shares = present_priors(priors)
        # Relative to the rarest class, so that the power cannot overflow for any sensible tau.
        return ClassFactors(tuple((shares.min() / shares) ** self.tau))

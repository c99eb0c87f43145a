"""A last layer whose outputs are cosines: what LDAM and other margin losses expect."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from steelyard.errors import UsageError
from steelyard.losses.torch._base import number


class CosineLinear(nn.Module):
    """Cosines of the angles between a feature vector and one vector for each class: a normalised last layer.

    A class cannot win by the length of its vector, which grows with its number of rows. There is no bias.

    Parameters
    ----------
    in_features, out_features : int
        Length of the feature vectors, and number of classes.
    scale : float, default 1
        What the cosines are multiplied by. :class:`LDAM` scales them itself; other losses of softmax cannot get sharp
        on numbers from -1 to 1 and need some 10 to 30.

    Raises
    ------
    UsageError
        When a size is below 1, or the scale is not above 0.

    References
    ----------
    Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss", NeurIPS 2019, section 3.2.

    Examples
    --------
    >>> layer = CosineLinear(2, 1)
    >>> with torch.no_grad():
    ...     _ = layer.weight.copy_(torch.tensor([[0.0, 5.0]]))
    >>> [round(cosine, 3) for cosine in layer(torch.tensor([[3.0, 4.0], [0.0, 0.0]])).flatten().tolist()]
    [0.8, 0.0]
    """

    def __init__(self, in_features: int, out_features: int, scale: float = 1.0) -> None:
        super().__init__()
        if in_features < 1 or out_features < 1:
            raise UsageError(f"in_features and out_features must be at least 1, not {in_features} and {out_features}")
        self.in_features, self.out_features = in_features, out_features
        self.scale = number("scale", scale, 0.0)
        if self.scale == 0:
            raise UsageError("scale must be above 0: all classes would be the same")
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Class vectors in random directions, all alike."""
        nn.init.normal_(self.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Scaled cosines.

        Parameters
        ----------
        features : Tensor of shape (..., in_features)
            A vector of zeros has the cosine 0 with every class.

        Returns
        -------
        Tensor of shape (..., out_features)
            Of the features' type; lengths are taken in float32 at least.
        """
        cosines = functional.linear(_unit(features).to(features.dtype), _unit(self.weight).to(features.dtype))
        return cosines * self.scale

    def extra_repr(self) -> str:
        """Parameters shown in ``repr(model)``."""
        return f"in_features={self.in_features}, out_features={self.out_features}, scale={self.scale:g}"


def _unit(vectors: Tensor) -> Tensor:
    # The square of 1e-4 is 0 in float16, and that of 300 infinite.
    return functional.normalize(vectors.to(torch.promote_types(vectors.dtype, torch.float32)), dim=-1)

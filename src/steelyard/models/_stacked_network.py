"""Networks of one shape as stacked matrices: what each layer gives, gradients, and steps of AdamW."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from steelyard.models._network import Floats, Network

#: Scores (m, n_rows, C) -> gradient of what is minimised by them.
StackedSlope = Callable[[Tensor], Tensor]

_SHORTEST = 1e-12
_BETAS, _EPS = (0.9, 0.999), 1e-8


class StackedNetwork:
    """Parameters and moments (3, M, P) of M networks, each of which is one row.

    The same steps as in :mod:`steelyard.models._network`, where they are said for one network. Calls take the first m
    networks of the stack, m being the length of what they are given.
    """

    def __init__(self, networks: Sequence[Network], device: torch.device) -> None:
        first = networks[0]
        self.sizes = [*(len(weight) for weight in first.weights), first.weights[-1].shape[1]]
        rows = [np.concatenate([part.ravel() for part in network.parameters()]) for network in networks]
        values = torch.from_numpy(np.stack(rows)).to(device)
        self.state = torch.stack([values, torch.zeros_like(values), torch.zeros_like(values)])
        cosines = [[[network.cosine_scale is not None]] for network in networks]
        #: Which networks give cosines (M, 1, 1); None where none does.
        self.cosines = torch.tensor(cosines, device=device) if [[True]] in cosines else None

    def take(self, places: Tensor) -> None:
        """Keep the networks at these places, in this order."""
        self.state = self.state.index_select(1, places)
        if self.cosines is not None:
            self.cosines = self.cosines.index_select(0, places)

    def values(self, place: int) -> Tensor:
        """Parameters (P,) of one network as they are now."""
        return self.state[0, place].clone()

    def network(self, values: Tensor, cosine_scale: float | None) -> Network:
        """Network with these parameters (P,)."""
        parts: list[Floats] = []
        flat, start = values.cpu().numpy(), 0
        for width, units in pairwise(self.sizes):
            parts += [flat[start : start + width * units].reshape(width, units)]
            parts += [flat[start + width * units : start + (width + 1) * units]]
            start += (width + 1) * units
        return Network([part.copy() for part in parts[::2]], [part.copy() for part in parts[1::2]], cosine_scale)

    def scores(self, x: Tensor) -> Tensor:
        """What a loss takes, (m, n_rows, C): logits, or cosines; without dropout."""
        layers = self._layers(len(x))
        return self._last(self._hidden(x, layers, None)[-1], layers)[0]

    def gradient(self, x: Tensor, slope: StackedSlope, masks: Sequence[Tensor] | None) -> Tensor:
        """Gradient (m, P) by all parameters; see :meth:`Network.gradient`."""
        layers = self._layers(len(x))
        inputs = self._hidden(x, layers, masks)
        weight = layers[-1][0]
        scores, rows, columns = self._last(inputs[-1], layers)
        back = slope(scores)
        due = back * scores if self.cosines is not None else back
        if self.cosines is not None:
            back = back / rows / columns
        by_weight, by_bias = torch.bmm(inputs[-1].mT, back), back.sum(1)
        down = torch.bmm(back, weight.mT)
        if self.cosines is not None:
            # A vector made longer changes no cosine: what points along it is taken away.
            flags = self.cosines[: len(x)]
            by_weight -= flags * weight * (due.sum(1, keepdim=True) / columns**2)
            by_bias *= ~flags[:, 0]
            down -= flags * inputs[-1] * (due.sum(2, keepdim=True) / rows**2)
        found = [by_weight.flatten(1), by_bias]
        for layer in range(len(layers) - 2, -1, -1):
            # A dropped or negative unit has given 0, and passes nothing back.
            back = down.mul_(inputs[layer + 1] > 0)
            if masks is not None:
                back *= masks[layer]
            found = [torch.bmm(inputs[layer].mT, back).flatten(1), back.sum(1), *found]
            if layer:
                down = torch.bmm(back, layers[layer][0].mT)
        return torch.cat(found, 1)

    def step(self, gradient: Tensor, decay: float, spread: Tensor, least: Tensor) -> None:
        """Step of AdamW in place; ``spread`` and ``least`` (m, 1) are those of :func:`step_sizes`."""
        values, first, second = self.state[:, : len(gradient)]
        first.lerp_(gradient, 1 - _BETAS[0])
        second.lerp_(gradient.square(), 1 - _BETAS[1])
        values.mul_(decay).addcdiv_(first, torch.addcmul(least, second.sqrt(), spread), value=-1)

    def _layers(self, number: int) -> list[tuple[Tensor, Tensor]]:
        """Weights (m, fan_in, fan_out) and biases (m, 1, fan_out) of each layer: views."""
        values, start, layers = self.state[0, :number], 0, []
        for width, units in pairwise(self.sizes):
            weight = values[:, start : start + width * units].view(number, width, units)
            start += (width + 1) * units
            layers.append((weight, values[:, None, start - units : start]))
        return layers

    @staticmethod
    def _hidden(x: Tensor, layers: Sequence[tuple[Tensor, Tensor]], masks: Sequence[Tensor] | None) -> list[Tensor]:
        inputs = [x]
        for layer, (weight, bias) in enumerate(layers[:-1]):
            hidden = torch.baddbmm(bias, inputs[-1], weight).relu_()
            inputs.append(hidden if masks is None else hidden.mul_(masks[layer]))
        return inputs

    def _last(self, hidden: Tensor, layers: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor, Tensor]:
        """Scores, and the lengths (m, n_rows, 1) and (m, 1, C) that they were divided by."""
        weight, bias = layers[-1]
        scores = torch.baddbmm(bias, hidden, weight)
        if self.cosines is None:
            return scores, scores, scores
        # The bias of a network of cosines is 0 and stays so.
        plain = ~self.cosines[: len(hidden)]
        rows = hidden.norm(dim=2, keepdim=True).clamp_min_(_SHORTEST).masked_fill_(plain, 1)
        columns = weight.norm(dim=1, keepdim=True).clamp_min_(_SHORTEST).masked_fill_(plain, 1)
        return scores / rows / columns, rows, columns


def step_sizes(steps: NDArray[np.int64], learning_rate: float) -> tuple[Floats, Floats]:
    """Numbers a and c with which AdamW moves by ``m / (a sqrt(v) + c)`` in its ``steps``-th step, float32.

    Examples
    --------
    >>> spread, least = step_sizes(np.array([1]), learning_rate=0.5)
    >>> f"{spread[0]:.3f} {least[0]:.1e}"
    '6.325 2.0e-09'
    """
    size = learning_rate / (1 - _BETAS[0] ** steps)
    return (1 / (np.sqrt(1 - _BETAS[1] ** steps) * size)).astype(np.float32), (_EPS / size).astype(np.float32)

"""The cosine layer: cosines whatever the lengths, in half precision too, and what LDAM expects."""

from __future__ import annotations

import warnings

import pytest

torch = pytest.importorskip("torch")

from losses_torch_cases import generator  # noqa: E402

from steelyard.errors import UsageError  # noqa: E402
from steelyard.losses import LDAM, CosineLinear  # noqa: E402

pytestmark = pytest.mark.usefixtures("device")


def test_outputs_are_torchs_cosines_times_the_scale() -> None:
    layer, features = CosineLinear(5, 3, scale=20.0), torch.randn(4, 7, 5, generator=generator(0))
    expected = torch.cosine_similarity(features.unsqueeze(-2), layer.weight, dim=-1)
    torch.testing.assert_close(layer(features), 20 * expected)
    torch.testing.assert_close(layer(1000 * features), layer(features))


def test_a_long_class_vector_wins_nothing() -> None:
    # nn.Linear: the logit of a class grows with the length of its vector, and so with its number of rows.
    layer, features = CosineLinear(5, 3), torch.randn(4, 5, generator=generator(0))
    before = layer(features)
    with torch.no_grad():
        layer.weight[0] *= 100
    torch.testing.assert_close(layer(features), before)


@pytest.mark.parametrize("size", [1e-4, 300.0])
def test_half_precision_keeps_the_directions(size: float) -> None:
    # torch.nn.functional.normalize in float16: inf or NaN, since squares of 300 overflow and those of 1e-4 vanish.
    layer, features = CosineLinear(5, 3).half(), torch.tensor([[size, 0, 0, 0, size]], dtype=torch.float16)
    assert layer(features).dtype == torch.float16
    expected = torch.cosine_similarity(features.float().unsqueeze(1), layer.weight.float(), dim=-1)
    torch.testing.assert_close(layer(features).float(), expected, rtol=0, atol=2e-3)


def test_ldam_takes_the_cosines_without_a_warning_and_learns() -> None:
    draw = generator(1)
    y = (torch.rand(200, generator=draw) < 0.1).long()
    features = torch.randn(200, 4, generator=draw) + (4 * y - 2).unsqueeze(1)
    layer, loss = CosineLinear(4, 2), LDAM([180, 20])
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -1, 1, -1], [1, 1, -1, -1]]))
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = loss(layer(features), y).item()
        for _ in range(100):
            optimizer.zero_grad()
            last = loss(layer(features), y)
            last.backward()
            optimizer.step()
    assert last.item() < 0.5 * first


def test_zero_features_have_a_finite_gradient() -> None:
    features = torch.zeros(2, 3, requires_grad=True)
    CosineLinear(3, 2)(features).sum().backward()
    assert features.grad.isfinite().all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0, 2), "at least 1, not 0 and 2"), ((3, 2, 0.0), "scale must be above 0"), ((3, 2, -1.0), "scale must not be")],
)
def test_wrong_arguments(arguments: tuple[float, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        CosineLinear(*arguments)

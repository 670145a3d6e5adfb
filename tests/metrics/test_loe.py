import math

import numpy as np
import pytest
import torch
from torch import Tensor

from restorect.metrics.loe import loe


def reference(before: np.ndarray, after: np.ndarray, variant: str) -> float:
    """The definition point by point, HWC 8-bit values: slow, and written apart from the library."""

    def sampled(image: np.ndarray) -> list[float]:
        lightness = image.max(axis=2)
        height, width = lightness.shape
        if variant == "grid100":
            rows = [math.floor(1 + i * (height - 1) / 99 + 0.5) - 1 for i in range(100)]
            columns = [math.floor(1 + i * (width - 1) / 99 + 0.5) - 1 for i in range(100)]
            return [lightness[r, c] for r in rows for c in columns]
        padded = np.pad(lightness, 7, mode="reflect")
        step = min(height, width) // 50
        return [
            padded[r * step - 1 : r * step + 14, c * step - 1 : c * step + 14].max()
            for r in range(1, height // step + 1)
            for c in range(1, width // step + 1)
        ]

    first, second = np.array(sampled(before)), np.array(sampled(after))
    wrong = sum(np.sum((a >= first) != (b >= second)) for a, b in zip(first, second, strict=True))
    return float(wrong / len(first))


@pytest.mark.parametrize("variant", ["npe", "grid100"])
def test_equals_the_definition(photo: Tensor, variant: str) -> None:
    photo = photo[:, :, :111, :130]
    gain = torch.linspace(1, 2, 130).view(1, 1, 1, -1)
    output = (photo * gain).clamp(0, 1)
    expected = reference(
        *((x[0].permute(1, 2, 0).numpy() * 255).round().clip(0, 255) for x in (photo, output)), variant
    )
    assert expected > 1
    assert loe(output, photo, variant=variant).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("variant", ["npe", "grid100"])
def test_a_brightening_that_keeps_the_order_costs_nothing(variant: str) -> None:
    levels = torch.randint(0, 100, (1, 1, 60, 70), generator=torch.Generator().manual_seed(0))
    image = (levels / 255).repeat(1, 3, 1, 1)
    assert loe(image * 2, image, variant=variant).item() == 0
    assert loe(1 - image, image, variant=variant).item() > 0


def test_flattening_half_the_points_counts_exactly() -> None:
    """Two tones a < b made equal: of each ordered pair (a point of a, a point of b) one comparison flips."""
    image = torch.zeros(1, 3, 100, 100)
    image[..., 25:] = 0.5
    assert loe(torch.zeros_like(image), image, variant="grid100").item() == pytest.approx(2500 * 7500 / 10_000)


def test_samples_do_not_mix() -> None:
    output, before = torch.rand(2, 3, 50, 64), torch.rand(2, 3, 50, 64)
    alone = torch.cat([loe(output[i : i + 1], before[i : i + 1]) for i in range(2)])
    assert torch.equal(loe(output, before), alone)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="variant"):
        loe(torch.rand(1, 3, 60, 60), torch.rand(1, 3, 60, 60), variant="mean")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="50x50"):
        loe(torch.rand(1, 3, 49, 60), torch.rand(1, 3, 49, 60))

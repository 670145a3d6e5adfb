"""Lights keep their hue: orange lamps stay orange, and nothing else is touched."""

import pytest
import torch
from toned_restoration import toned_restoration
from torch import Tensor

from restorect.colour import luma
from restorect.render.exposure import ExposureConfig
from restorect.render.hue import HueConfig, keep_hue


def _flat(*colour: float) -> Tensor:
    return torch.tensor(colour).view(1, 3, 1, 1).expand(1, 3, 4, 4)


def test_an_orange_lamp_stays_orange() -> None:
    lamp, green = _flat(0.9, 0.45, 0.02), _flat(0.7, 0.8, 0.2)
    kept = keep_hue(green, lamp)
    torch.testing.assert_close(luma(kept), luma(green))
    colour, own = kept - luma(kept), lamp - luma(lamp)
    torch.testing.assert_close(colour / colour[:, :1], own / own[:, :1])
    assert (kept[:, 0] > kept[:, 1]).all()
    assert kept.max() <= 1
    torch.testing.assert_close(keep_hue(_flat(1.4, 1.5, 1.2), lamp), _flat(1.0, 1.0, 1.0))  # too bright is white


@pytest.mark.parametrize("low", [(0.35, 0.2, 0.0), (0.9, 0.8, 0.7), (0.9, 0.5, 0.28), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)])
def test_what_is_dark_or_pale_is_left_alone(low: tuple[float, ...]) -> None:
    image = _flat(0.7, 1.2, -0.1)
    assert torch.equal(keep_hue(image, _flat(*low)), image)


def test_any_light_stays_within_the_range_and_in_between_is_in_between() -> None:
    generator = torch.Generator().manual_seed(0)
    image, low = torch.rand(2, 3, 40, 50, generator=generator), torch.rand(2, 3, 40, 50, generator=generator) ** 3
    kept = keep_hue(image, low)
    assert kept.min() >= -1e-6
    assert kept.max() <= 1 + 1e-6
    half = keep_hue(_flat(0.7, 0.8, 0.2), _flat(0.6, 0.3, 0.0))  # half way from 0.4 to 0.8
    whole = keep_hue(_flat(0.7, 0.8, 0.2), _flat(0.9, 0.45, 0.0))
    torch.testing.assert_close(half, (whole + _flat(0.7, 0.8, 0.2)) / 2)


@pytest.mark.parametrize("trust", [1.0, 0.5])
def test_a_restoration_that_keeps_hues(trust: float) -> None:
    photo = 0.05 * torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    photo[..., 8:16, 8:16] = _flat(0.9, 0.4, 0.02)[..., :1, :1]
    results = []
    for steps in ((), (HueConfig(),)):
        restoration, tone = toned_restoration(ExposureConfig(trust=trust), *steps, start="mean")
        tone.second.bias.copy_(torch.tensor([0.0, 3.0, 0.0, 0, 0, 0, 0, 0, 0]))  # lifts green
        results.append(restoration(photo))
    without, kept = results
    torch.testing.assert_close(kept, keep_hue(without, photo))
    assert not torch.allclose(without, kept, atol=0.02)

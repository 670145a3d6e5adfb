import pytest
import torch
from torch import Tensor

from restorect.data.augment import LightJitter


def _lit(images: Tensor, seed: int = 0, **deviations: float) -> Tensor:
    given = {"light": 0.0, "cast": 0.0, "contrast": 0.0, **deviations}
    draws = torch.randn(len(images), 5, generator=torch.Generator().manual_seed(seed))
    return LightJitter(draws, **given)(images.clone())


def _images(count: int = 2) -> Tensor:
    return torch.linspace(10, 50, 48 * count).reshape(count, 3, 4, 4)


def test_another_light_is_a_power_and_a_factor() -> None:
    images = _images()
    torch.testing.assert_close(_lit(images), images)
    light = _lit(images, light=0.1) / images
    torch.testing.assert_close(light, light[:, :1, :1, :1].expand(light.shape))
    assert light[0, 0, 0, 0] != light[1, 0, 0, 0]
    cast = _lit(images, cast=0.1) / images
    torch.testing.assert_close(cast, cast[..., :1, :1].expand(cast.shape))
    assert len(set(cast[..., 0, 0].flatten().tolist())) == 6
    power = (_lit(images, contrast=0.1) / 255).log() / (images / 255).log()
    torch.testing.assert_close(power, power[:, :1, :1, :1].expand(power.shape))
    assert power[0, 0, 0, 0] != power[1, 0, 0, 0]


def test_all_together() -> None:
    images, draws = _images(1), torch.tensor([[0.5, -1.0, 2.0, 0.0, -2.0]])
    lit = LightJitter(draws, light=0.3, cast=0.1, contrast=0.2)(images.clone())
    for channel, factor in enumerate((-0.3 + 0.2, -0.3, -0.3 - 0.2)):
        expected = (images[0, channel] / 255) ** torch.tensor(0.1).exp() * torch.tensor(factor).exp()
        torch.testing.assert_close(lit[0, channel] / 255, expected)


def test_another_light_deviates_by_what_was_asked_for_and_stays_in_range() -> None:
    images = torch.full((400, 3, 1, 1), 25.5)
    draws = _lit(images, cast=0.2).log() - images.log()
    assert float(draws.std()) == pytest.approx(0.2, rel=0.1)
    bright = _lit(255 * torch.rand(3, 3, 9, 9), light=3.0, cast=1.0, contrast=0.5)
    assert 0 <= float(bright.min()) <= float(bright.max()) <= 255

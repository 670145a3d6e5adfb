import math

import pytest
import torch

from restorect.configs import from_mapping, to_mapping
from restorect.data.degrade.backlit import BacklitConfig, degrade_backlit, draw_subject, relight, spread_light
from restorect.errors import ConfigError


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _image(height: int = 48, width: int = 64) -> torch.Tensor:
    return torch.rand(3, height, width, generator=_seeded(5))


def _window(height: int = 96, width: int = 96) -> torch.Tensor:
    """A dark wall with a bright window."""
    image = torch.full((3, height, width), 0.35)
    image[:, height // 4 : height // 2, width // 4 : 3 * width // 4] = 0.9
    return image


def test_light_inside_between_and_outside() -> None:
    region = torch.tensor([0.0, 0.5, 1.0]).view(1, 1, 3)
    seen = relight(torch.full((3, 1, 3), 0.5), region, subject=0.04, background=1.44)
    expected = torch.tensor([0.72, 0.5 * math.sqrt(0.04 * 1.44), 0.02])
    assert torch.allclose(seen, expected.expand(3, 1, 3), atol=1e-6)


def test_subject_colour_is_its_own() -> None:
    cast = torch.tensor([0.1, 0.2, 0.4]).view(3, 1, 1)
    seen = relight(torch.ones(3, 2, 2), torch.ones(1, 2, 2), subject=cast, background=1.5)
    assert torch.allclose(seen, cast.expand(3, 2, 2), atol=1e-6)


def test_glare_lifts_the_dark_and_keeps_the_light() -> None:
    light = _image()
    veiled = spread_light(light, white=torch.ones(3, 1, 1), bloom=0.0, bloom_sigma=0.0, glare=0.05)
    assert torch.allclose(veiled.mean(dim=(1, 2)), light.mean(dim=(1, 2)), atol=1e-5)
    assert torch.allclose(veiled.std(), 0.95 * light.std(), rtol=1e-3)


def test_bloom_spreads_only_what_is_too_bright() -> None:
    white = torch.ones(3, 1, 1)
    dim = 0.5 * _image()
    assert torch.equal(spread_light(dim, white=white, bloom=0.3, bloom_sigma=3.0, glare=0.0), dim)
    lamp = torch.zeros(3, 41, 41)
    lamp[:, 18:23, 18:23] = 4.0
    seen = spread_light(lamp, white=white, bloom=0.3, bloom_sigma=3.0, glare=0.0)
    assert seen[0, 20, 15] > seen[0, 20, 10] > seen[0, 20, 2]
    assert seen[0, 20, 15] > 0.01


def test_bright_places_are_background() -> None:
    config = BacklitConfig(luminance_share=(1.0, 1.0), subject_share=(0.6, 0.6))
    image = _window()
    region = draw_subject(image, _seeded(0), config)
    assert region.shape == (1, 96, 96)
    assert region[0, 70:].mean() > region[0, 30:42, 30:66].mean() + 0.3


def test_contrast_grows() -> None:
    ratios = []
    for seed in range(20):
        seen = degrade_backlit(_window(), _seeded(seed)).low
        ratios.append((seen[:, 70:].mean() / seen[:, 28:44, 30:66].mean()).item())
    assert sorted(ratios)[10] < 0.6 * (0.35 / 0.9)


def test_config() -> None:
    config = BacklitConfig(subject=(0.1, 0.2))
    assert from_mapping(BacklitConfig, to_mapping(config)) == config
    for wrong in ({"subject": (0.5, 2.0)}, {"cells": (0, 3)}, {"glare": (0.2, 0.1)}, {"shade_cast": -1.0}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            BacklitConfig(**wrong)  # type: ignore[arg-type]

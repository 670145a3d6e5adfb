import dataclasses

import pytest
import torch

from restorect.configs import from_mapping, to_mapping
from restorect.data.degrade.underwater import (
    UnderwaterConfig,
    degrade_underwater,
    draw_range_map,
    draw_water,
    immerse,
)
from restorect.data.degrade.water import water_optics
from restorect.errors import ConfigError


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _image(height: int = 48, width: int = 64) -> torch.Tensor:
    return torch.rand(3, height, width, generator=_seeded(5))


def test_no_range_no_water() -> None:
    water = water_optics(5, depth=0, reach=2)
    assert torch.allclose(immerse(_image(), torch.zeros(1, 48, 64), water, glow_sigma=2.0), _image(), atol=1e-5)


def test_endless_range_is_the_veil() -> None:
    water = water_optics(5, depth=3, reach=2)
    far = immerse(_image(), torch.full((1, 48, 64), 1e3), water, glow_sigma=2.0, veil=0.7)
    assert torch.allclose(far.mean(dim=(1, 2)), 0.7 * torch.from_numpy(water.veil).float(), atol=1e-5)


def test_image_formation_model() -> None:
    water = water_optics(3, depth=4, reach=2)
    clean, distance = torch.full((3, 9, 9), 0.4), torch.full((1, 9, 9), 1.7)
    light, glow, back, veil = (
        torch.from_numpy(part).float() for part in (water.light, water.glow, water.back, water.veil)
    )
    expected = 0.4 * light * torch.exp(-glow * 1.7) + 0.5 * veil * (1 - torch.exp(-back * 1.7))
    seen = immerse(clean, distance, water, glow_sigma=3.0, veil=0.5)
    assert torch.allclose(seen[:, 4, 4], expected, atol=1e-5)


def test_forward_scatter_blurs_without_taking_light() -> None:
    water = dataclasses.replace(water_optics(7, depth=0, reach=1))
    clean, distance = _image(), torch.full((1, 48, 64), 1.0)
    sharp, soft = (immerse(clean, distance, water, glow_sigma=sigma) for sigma in (0.0, 4.0))
    assert soft.std() < sharp.std()
    assert torch.allclose(soft.mean(), sharp.mean(), rtol=0.01)


def test_water_is_chosen_so_that_something_is_seen() -> None:
    config = UnderwaterConfig()
    for seed in range(60):
        water, reach = draw_water(_seeded(seed), config)
        assert config.reach[0] <= reach <= config.reach[1]
        assert float(water.glow.min()) * reach < 1.3 * config.murk[1] or reach == config.reach[0]


def test_range_map() -> None:
    distance = draw_range_map(_image(), _seeded(0))
    assert distance.shape == (1, 48, 64)
    assert distance.min() >= 0
    assert distance.max() <= 1
    assert distance.std() > 0.05


def test_pictures_lose_their_red() -> None:
    shares = []
    for seed in range(40):
        colour = degrade_underwater(_image(), _seeded(seed)).low.mean(dim=(1, 2))
        shares.append((colour[0] / colour.sum()).item())
    assert sum(shares) / len(shares) < 0.29


def test_config() -> None:
    config = UnderwaterConfig(water=(2.0, 3.0))
    assert from_mapping(UnderwaterConfig, to_mapping(config)) == config
    for wrong in ({"water": (0.0, 10.0)}, {"near": (0.5, 0.1)}, {"shot": (0.0, 0.1)}, {"veil_slope": -1.0}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            UnderwaterConfig(**wrong)  # type: ignore[arg-type]

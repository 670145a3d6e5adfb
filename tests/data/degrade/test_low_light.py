import dataclasses
import math

import pytest
import torch

from restorect.colour import linear_to_srgb, srgb_to_linear
from restorect.configs import from_mapping, to_mapping
from restorect.data.degrade.dark import DarkConfig
from restorect.data.degrade.lamps import LampConfig
from restorect.data.degrade.low_light import LowLightConfig, degrade_low_light, draw_noise
from restorect.data.degrade.night_scene import NightSceneConfig
from restorect.errors import ConfigError

_EMPTY = NightSceneConfig(lights=0.0, cast=0.0, dark=DarkConfig(probability=0.0))
_STILL = LowLightConfig(
    scene=_EMPTY,
    hot_probability=0.0,
    exposure=(0.1, 0.1),
    shot=(0.0, 0.0),
    camera_colour=(0.0, 0.0),
    colour_cast=0.0,
    raw_bits=(16, 16),
    tone=(0.0, 0.0),
    tone_change=0.0,
    jpeg_probability=0.0,
)


def _image(height: int = 48, width: int = 64) -> torch.Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(5))


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("exposure", [0.02, 0.1, 1.0])
def test_without_noise_the_light_falls_by_the_exposure(exposure: float) -> None:
    config = dataclasses.replace(_STILL, exposure=(exposure, exposure))
    night = degrade_low_light(_image(), _seeded(0), config).low
    expected = linear_to_srgb(srgb_to_linear(_image()) * exposure)
    assert (night - expected).abs().max() < 1.0 / 255


def test_an_empty_scene_has_the_clean_photo_for_its_reference() -> None:
    config = dataclasses.replace(_STILL, tone=(0.0, 1.0), camera_colour=(0.0, 1.0))
    for seed in range(5):
        assert (degrade_low_light(_image(), _seeded(seed), config).high - _image()).abs().max() < 1e-4


def test_lamps_clip_in_the_photo_and_keep_their_inside_in_the_reference() -> None:
    lamps = LampConfig(rows=0, facades=0, signs=0, cars=0, scattered=(4, 4), radius=(0.1, 0.1), lamp=(40.0, 40.0))
    scene = NightSceneConfig(lights=1.0, lamps=lamps, cast=0.0, dark=DarkConfig(probability=0.0))
    for seed in range(10):
        dark = torch.full((3, 128, 128), 0.02)
        low, high = degrade_low_light(dark, _seeded(seed), dataclasses.replace(_STILL, scene=scene))
        clipped = (low > 0.999).all(dim=0)
        assert 0.01 < clipped.float().mean() < 0.6
        inside = high.amax(dim=0)[clipped]
        assert inside.max() <= 1
        assert inside.quantile(0.95) - inside.quantile(0.05) > 0.05
        assert (high >= 0.999).all(dim=0).float().mean() < 0.005


def test_black_places_have_noise_in_the_photo_and_none_in_the_reference() -> None:
    scene = NightSceneConfig(lights=0.0, cast=0.0, dark=DarkConfig(probability=1.0))
    config = LowLightConfig(scene=scene, jpeg_probability=0.0, shot=(0.003, 0.004), raw_bits=(14, 14), tone=(0.0, 0.0))
    found = 0
    for seed in range(20):
        low, high = degrade_low_light(0.3 + 0.7 * _image(96, 96), _seeded(seed), config)
        black = high.amax(dim=0) <= 6 / 255
        if black.float().mean() < 0.1:
            continue  # nothing in this photo is dark enough for crushed shadows
        assert high[:, black].std() < 2 / 255
        assert low[:, black].std() > high[:, black].std()
        assert low[:, black].std() > 1 / 255
        found += 1
    assert found > 8


def test_noise_levels_follow_the_log_linear_law() -> None:
    config = LowLightConfig()
    drawn = torch.tensor([draw_noise(_seeded(seed), config) for seed in range(400)]).log()
    residual = drawn[:, 1] - (2.18 * drawn[:, 0] + 1.20)
    assert residual.mean().abs() < 0.05
    assert residual.std().item() == pytest.approx(0.26, abs=0.04)
    assert drawn[:, 0].min() >= math.log(config.shot[0])
    assert drawn[:, 0].max() <= math.log(config.shot[1])


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_black_and_white(level: float) -> None:
    for seed in range(20):
        night = degrade_low_light(torch.full((3, 32, 32), level), _seeded(seed)).low
        assert torch.isfinite(night).all()
        assert night.mean() < (0.06 if level == 0 else 0.75)


def test_nights_are_as_dark_as_real_ones() -> None:
    means = torch.tensor([degrade_low_light(_image(), _seeded(seed)).low.mean().item() for seed in range(60)])
    assert 0.04 < means.median() < 0.2
    assert means.quantile(0.95) < 0.45


def test_jpeg_happens_as_often_as_asked() -> None:
    config = dataclasses.replace(_STILL, jpeg_probability=1.0, jpeg_quality=(60, 60))
    assert not torch.equal(
        degrade_low_light(_image(), _seeded(0), config).low, degrade_low_light(_image(), _seeded(0), _STILL).low
    )


def test_config_survives_a_mapping() -> None:
    config = LowLightConfig(exposure=(0.05, 0.2))
    assert from_mapping(LowLightConfig, to_mapping(config)) == config


@pytest.mark.parametrize(
    "wrong",
    [
        {"exposure": (0.5, 0.1)},
        {"exposure": (0.0, 0.1)},
        {"exposure": (0.1, 2.0)},
        {"shot": (0.0, 0.01)},
        {"raw_bits": (2, 8)},
        {"jpeg_quality": (0, 50)},
        {"jpeg_probability": 1.5},
        {"colour_cast": -0.1},
        {"hot_probability": 2.0},
        {"hot_share": (0.0, 0.1)},
    ],
)
def test_config_names_the_wrong_field(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        LowLightConfig(**wrong)  # type: ignore[arg-type]

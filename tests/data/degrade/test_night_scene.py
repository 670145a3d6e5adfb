import math

import pytest
import torch

from restorect.data.degrade.dark import DarkConfig, draw_dark
from restorect.data.degrade.lamps import LampLayers
from restorect.data.degrade.night_scene import NightSceneConfig, add_lamps, light_scene, local_tone, shoulder
from restorect.errors import ConfigError

_NO_DARK = DarkConfig(probability=0.0)


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _layers(level: float, side: int = 65) -> LampLayers:
    """A white square with a gradient from left to right."""
    ramp = torch.linspace(0.2, 1.0, 9).expand(3, 9, 9)
    light, shown, cover = torch.zeros(3, side, side), torch.zeros(3, side, side), torch.zeros(1, side, side)
    place = (slice(None), slice(28, 37), slice(28, 37))
    light[place], shown[place], cover[place] = level * ramp, 0.9 * ramp, 1.0
    return LampLayers(light, shown, cover)


def test_an_empty_scene_only_loses_light() -> None:
    clean = torch.rand(3, 20, 30, generator=_seeded(0))
    scene = light_scene(clean, clean, 0.05, _seeded(1), NightSceneConfig(lights=0.0, cast=0.0, neon=0.0, dark=_NO_DARK))
    assert torch.allclose(scene.low, 0.05 * clean, atol=1e-6)
    assert torch.equal(scene.high, clean)


def test_casts_are_strong_in_the_photo_and_weak_in_the_reference() -> None:
    clean = torch.full((3, 4, 4), 0.4)
    config = NightSceneConfig(
        lights=0.0,
        cast=1.0,
        kelvin=(2000.0, 2000.0),
        adapted=(0.5, 0.5),
        cast_kept=(0.25, 0.25),
        neon=0.0,
        dark=_NO_DARK,
    )
    scene = light_scene(clean, clean, 0.1, _seeded(0), config)
    casts = [(image[0] / image[2]).mean().log().item() for image in scene]
    assert casts[0] > math.log(2)
    assert casts[1] == pytest.approx(0.25 * casts[0], rel=1e-3)


def test_lamps_are_beyond_white_in_the_photo_only() -> None:
    layers = _layers(30.0)
    scene = add_lamps(
        torch.full((3, 65, 65), 0.01), torch.full((3, 65, 65), 0.3), layers, glare=0.05, falloff=2.5, kept=0.5
    )
    lamp = layers.cover[0] == 1
    assert scene.low[:, lamp].min() > 1
    assert scene.high.max() <= 1
    assert torch.allclose(scene.high[:, lamp], layers.shown[:, lamp])
    assert (scene.low[:, 32, 40] > 0.02).all()  # the glow beside it
    assert (scene.high[:, 32, 40] > 0.3).all()
    assert (scene.high[:, 32, 40] - 0.3 < scene.low[:, 32, 40]).all()


def test_no_light_is_lost_to_the_glow() -> None:
    layers = _layers(10.0, side=257)
    black = torch.zeros(3, 257, 257)
    low = add_lamps(black, black, layers, glare=0.3, falloff=3.0, kept=0.5).low
    assert low.sum().item() == pytest.approx(layers.light.sum().item(), rel=0.02)


def test_shoulder_keeps_what_is_dark_hues_and_order() -> None:
    light = torch.linspace(0, 4, 200).expand(3, 1, 200) * torch.tensor([1.0, 0.5, 0.2]).view(3, 1, 1)
    pressed = shoulder(light)
    dark = light[0, 0] <= 0.6
    assert torch.equal(pressed[:, 0, dark], light[:, 0, dark])
    assert pressed.max() <= 1
    assert (pressed[0, 0].diff() >= -1e-6).all()
    assert torch.allclose(pressed[1, 0, 1:] / pressed[0, 0, 1:], torch.tensor(0.5))


def test_local_tone_compresses_and_burns_nothing() -> None:
    thrown = torch.rand(1, 16, 16, generator=_seeded(0)).expand(3, 16, 16) ** 4
    tone = local_tone(thrown, 0.02, 0.3)
    middle, best = tone.log().mean().item(), tone[0].log().quantile(0.98).item()
    assert middle < 0 < best
    assert middle + best == pytest.approx(0, abs=1e-4)
    assert torch.allclose(local_tone(0 * thrown, 0.02, 0.3), torch.ones(3, 16, 16))
    range_before, range_after = (x.amax() / x.amin() for x in (thrown / 0.02 + 1, tone))
    assert range_after.log().item() == pytest.approx(0.3 * range_before.log().item(), rel=1e-3)


def test_all_of_it_is_on_the_device_of_the_photo() -> None:
    """A device without data refuses what was left on the CPU."""
    clean = torch.empty(3, 40, 50, device="meta")
    config = NightSceneConfig(lights=1.0, flood=1.0, cast=1.0, dark=DarkConfig(probability=1.0))
    for seed in range(20):
        for image in light_scene(clean, clean, 0.1, _seeded(seed), config):
            assert image.device.type == "meta"
            assert image.shape == clean.shape


def test_black_stays_black_in_both() -> None:
    clean = torch.rand(3, 64, 64, generator=_seeded(0)) * 0.5 + 0.5
    config = NightSceneConfig(lights=0.0, dark=DarkConfig(probability=1.0))
    found = 0
    for seed in range(20):
        scene = light_scene(clean, clean, 0.1, _seeded(seed), config)
        black = draw_dark(clean, _seeded(seed), config.dark)[0] == 0  # what is drawn first
        assert (scene.high[:, black] <= 5 / 255 / 12.92).all()
        assert torch.allclose(scene.low[:, black], 0.1 * scene.high[:, black])
        found += bool(black.any())
    assert found > 10


@pytest.mark.parametrize(
    "wrong", [{"lights": 1.5}, {"ambient": (0.0, 0.1)}, {"kelvin": (500.0, 900.0)}, {"glare": (0.0, 0.1)}]
)
def test_config_names_the_wrong_field(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        NightSceneConfig(**wrong)  # type: ignore[arg-type]


def test_a_neon_night_empties_a_channel_in_both() -> None:
    config = NightSceneConfig(lights=0.0, neon=1.0, dark=_NO_DARK)
    grey = torch.full((3, 8, 8), 0.5)
    emptiest = []
    for seed in range(12):
        scene = light_scene(grey, grey, 0.1, _seeded(seed), config)
        channels = scene.low.mean(dim=(1, 2))
        emptiest.append((channels.min() / channels.max()).item())
        assert torch.allclose(scene.low / 0.1, scene.high, rtol=1e-4)
    assert min(emptiest) < 0.02

import math

import pytest
import torch

from restorect.configs import from_mapping, to_mapping
from restorect.data.degrade.fundus import (
    FundusConfig,
    degrade_fundus,
    draw_light,
    find_disc,
    keep_inside,
    shift_average,
)
from restorect.errors import ConfigError
from restorect.retina import depth_inside, field_of_view


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _true_disc(side: int = 96, radius: float = 40.0) -> torch.Tensor:
    place = torch.arange(side) - (side - 1) / 2
    return (place[None] ** 2 + place[:, None] ** 2).sqrt()[None] <= radius


def _retina(side: int = 96) -> torch.Tensor:
    """An orange disc with a dark lesion inside, in an almost black frame."""
    texture = 0.05 * torch.rand(1, side, side, generator=_seeded(1))
    colour = torch.tensor([0.7, 0.35, 0.15]).view(3, 1, 1) + texture
    image = torch.where(_true_disc(side), colour, torch.tensor(0.02))
    image[:, 44:52, 60:70] = 0.0
    return image


def test_field_of_view_is_the_disc_with_its_lesions() -> None:
    found = field_of_view(_retina())
    wrong = found ^ _true_disc()
    assert found[0, 48, 65]
    assert wrong.float().mean() < 0.04  # the rim itself may go either way


def test_text_in_the_frame_is_no_retina() -> None:
    image = _retina()
    image[:, 2:6, 2:12] = 1.0
    assert not field_of_view(image)[0, 2:6, 2:12].any()


@pytest.mark.parametrize("image", [_retina()[:, 30:60, 30:56], torch.zeros(3, 8, 8), torch.rand(3, 1, 1) * 0.5 + 0.5])
def test_without_a_frame_all_is_field_of_view(image: torch.Tensor) -> None:
    assert field_of_view(image).all()
    assert torch.isinf(depth_inside(field_of_view(image))).all()


def test_depth_is_the_distance_to_the_rim() -> None:
    depth = depth_inside(_true_disc())
    assert depth[0, 48, 48].item() == pytest.approx(40, rel=0.06)
    assert depth[0, 48, 48 + 30].item() == pytest.approx(10, abs=1.5)
    assert depth[0, 0, 0] == 0


def test_disc_is_measured() -> None:
    disc = find_disc(_retina())
    assert disc.radius == pytest.approx(40, abs=1.5)
    assert disc.x.abs().min() < 0.03
    assert disc.hill((0.0, 0.0), 0.3).max().item() == pytest.approx(1.0, abs=0.01)


def test_nothing_outside_the_field_of_view_changes() -> None:
    image = _retina() + 0.003  # no multiple of 1/255
    outside = ~field_of_view(image)
    for seed in range(20):
        spoilt = degrade_fundus(image, _seeded(seed)).low
        assert torch.equal(spoilt[outside.expand(3, -1, -1)], image[outside.expand(3, -1, -1)])
        assert (spoilt - image)[:, _true_disc()[0]].abs().mean() > 0.005


def test_blur_and_movement_do_not_draw_in_the_dark_frame() -> None:
    inside = _true_disc()
    image = torch.where(inside, torch.tensor(0.6), torch.tensor(0.0)).expand(3, -1, -1)
    for blurred in (keep_inside(image, inside, 3.0), shift_average(image, inside, 7.0, -4.0)):
        assert torch.allclose(blurred[inside.expand(3, -1, -1)], torch.tensor(0.6), atol=1e-4)


def test_movement_averages_along_its_line() -> None:
    line = torch.zeros(3, 21, 21)
    line[:, :, 10] = 1.0
    everywhere = torch.ones(1, 21, 21, dtype=torch.bool)
    assert torch.allclose(shift_average(line, everywhere, 0.0, 8.0), line, atol=1e-6)
    across = shift_average(line, everywhere, 4.0, 0.0)[0, 10]
    assert across.sum().item() == pytest.approx(1.0, abs=1e-5)
    assert (across > 0.1).sum() == 5


def test_untouched_light_is_one() -> None:
    config = FundusConfig(uneven=(0.0, 0.0), vignette=(0.0, 0.0), shadow_probability=0.0)
    assert torch.allclose(draw_light(find_disc(_retina()), _seeded(0), config), torch.ones(1, 96, 96))


def test_shadow_takes_the_light_it_should() -> None:
    config = FundusConfig(uneven=(0.0, 0.0), vignette=(0.0, 0.0), shadow_probability=1.0, shadow_depth=(0.6, 0.6))
    assert draw_light(find_disc(_retina()), _seeded(0), config).min().item() == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5), (64, 48)])
def test_any_size_stays_finite_and_in_range(size: tuple[int, int]) -> None:
    image = torch.rand(3, *size, generator=_seeded(5))
    kept = image.clone()
    busy = FundusConfig(
        shadow_probability=1, halo_probability=1, motion_probability=1, lashes_probability=1, flare_probability=1
    )
    for seed in range(10):
        spoilt = degrade_fundus(image, _seeded(seed), busy if seed % 2 else FundusConfig()).low
        assert spoilt.shape == image.shape
        assert torch.isfinite(spoilt).all()
        assert spoilt.min() >= 0
        assert spoilt.max() <= 1
    assert torch.equal(image, kept)


def test_config() -> None:
    config = FundusConfig(haze=(0.1, 0.2))
    assert from_mapping(FundusConfig, to_mapping(config)) == config
    for wrong in ({"haze": (0.5, 2.0)}, {"spots": (5, 3)}, {"halo_probability": 1.2}, {"colour_cast": -math.inf}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            FundusConfig(**wrong)  # type: ignore[arg-type]

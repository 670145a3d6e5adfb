import math

import pytest
import torch

from restorect.data.degrade.lamps import Emitter, LampConfig, draw_emitters, paint_emitters, pools
from restorect.errors import ConfigError

_WHITE = (1.0, 1.0, 1.0)


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _bulb(y: float = 0.5, x: float = 0.5, size: float = 0.2, level: float = 20.0) -> Emitter:
    return Emitter(kind="bulb", place=(y, x), size=(size, size), colour=_WHITE, level=level, pool=0.4, reach=0.1)


def test_a_lamp_covers_its_disc_and_is_shown_below_white() -> None:
    layers = paint_emitters([_bulb()], _seeded(0), torch.empty(3, 100, 80))
    assert layers.cover.sum() == pytest.approx(math.pi * 10**2, rel=0.02)
    assert layers.light.max() == pytest.approx(20, rel=0.15)
    assert 0.7 < layers.shown.max() <= 0.97
    assert layers.light[:, layers.cover[0] == 0].max() == 0
    ys, xs = layers.cover[0].nonzero(as_tuple=True)
    assert (ys.float().mean().item(), xs.float().mean().item()) == pytest.approx((49.5, 39.5), abs=0.1)


def test_small_lamps_lose_light_with_their_area() -> None:
    sums = []
    for size in (0.02, 0.04):
        layers = [paint_emitters([_bulb(size=size)], _seeded(seed), torch.empty(3, 100, 100)) for seed in range(40)]
        sums.append(sum(layer.cover.sum().item() for layer in layers) / 40)
    assert sums[1] / sums[0] == pytest.approx(4, rel=0.1)


def test_those_in_front_hide_those_behind() -> None:
    both = paint_emitters([_bulb(), _bulb(size=0.3)], _seeded(1), torch.empty(3, 64, 64))
    assert both.cover.max() <= 1 + 1e-6
    assert both.light.max() <= 20 + 1e-4


@pytest.mark.parametrize("place", [(-3.0, 0.5), (0.5, 2.0), (0.0, 0.0), (1.0, 1.0)])
def test_lamps_at_and_beyond_the_border(place: tuple[float, float]) -> None:
    layers = paint_emitters([_bulb(*place)], _seeded(0), torch.empty(3, 40, 30))
    assert all(torch.isfinite(layer).all() for layer in layers)
    assert (layers.cover.sum() > 0) == (place in ((0.0, 0.0), (1.0, 1.0)))


def test_pools_fall_by_inverse_square_and_cosine() -> None:
    light = pools([_bulb(y=0.5, x=0.5)], (101, 101), torch.empty(0))[0]
    assert light[50, 50].item() == pytest.approx(0.4, rel=1e-3)
    for away in (10, 40):
        expected = 0.4 * (1 + (away / 101 / 0.1) ** 2) ** -1.5
        assert light[50, 50 + away].item() == pytest.approx(expected, rel=1e-3)
        assert light[50 - away, 50].item() == pytest.approx(expected, rel=1e-3)
    assert pools([], (4, 6), torch.empty(0)).tolist() == torch.zeros(3, 4, 6).tolist()


def test_nights_have_from_none_to_some_tens_of_lamps() -> None:
    counts = sorted(len(draw_emitters(_seeded(seed), LampConfig())) for seed in range(200))
    assert counts[0] == 0
    assert 3 <= counts[100] <= 20
    assert counts[-1] <= 120
    kinds = {emitter.kind for seed in range(60) for emitter in draw_emitters(_seeded(seed), LampConfig())}
    assert kinds == {"bulb", "shade", "tube", "window", "sign"}


def test_a_row_shrinks_towards_its_vanishing_point() -> None:
    config = LampConfig(scattered=(0, 0), rows=1, facades=0, signs=0, cars=0)
    for seed in range(20):
        row = draw_emitters(_seeded(seed), config)
        sizes = [emitter.size[0] for emitter in row]
        assert sizes == sorted(sizes)
        assert len({emitter.colour for emitter in row}) == 1
        assert len({emitter.level for emitter in row}) == 1


@pytest.mark.parametrize(
    "wrong", [{"rows": 2.0}, {"radius": (0.0, 0.1)}, {"lamp": (2.0, 1.0)}, {"sodium": (100.0, 2000.0)}]
)
def test_config_names_the_wrong_field(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        LampConfig(**wrong)  # type: ignore[arg-type]

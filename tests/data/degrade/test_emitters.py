import pytest
import torch

from restorect.data.degrade.emitters import PAINTERS

_V, _U = torch.linspace(-1, 1, 40)[:, None], torch.linspace(-1, 1, 60)[None]
_ORANGE = torch.tensor([1.0, 0.4, 0.1]).view(3, 1, 1)


@pytest.mark.parametrize("kind", sorted(PAINTERS))
def test_paintings_have_structure_within_their_shape(kind: str) -> None:
    for seed in range(20):
        light, shape = PAINTERS[kind](torch.Generator().manual_seed(seed), _V, _U, _ORANGE)
        assert light.shape == (3, 40, 60)
        assert shape.shape == (1, 40, 60)
        assert set(shape.unique().tolist()) <= {0.0, 1.0}
        assert shape.mean() > 0.4
        assert torch.isfinite(light).all()
        inside = light.amax(dim=0)[shape[0] > 0]
        assert inside.max() <= 1 + 1e-6
        assert inside.quantile(0.98) > 0.2
        assert inside.quantile(0.98) - inside.quantile(0.02) > 0.1


@pytest.mark.parametrize("kind", ["bulb", "shade", "tube", "window"])
def test_lamps_have_the_hue_of_their_light(kind: str) -> None:
    light, shape = PAINTERS[kind](torch.Generator().manual_seed(1), _V, _U, _ORANGE)
    red, green, blue = light[:, shape[0] > 0].mean(dim=1).tolist()
    assert red > green > blue


def test_bulbs_are_round_and_windows_square() -> None:
    generator = torch.Generator().manual_seed(0)
    assert PAINTERS["bulb"](generator, _V, _U, _ORANGE)[1].mean() == pytest.approx(torch.pi / 4, abs=0.04)
    assert PAINTERS["window"](generator, _V, _U, _ORANGE)[1].mean() == 1

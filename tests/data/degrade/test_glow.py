import pytest
import torch

from restorect.data.degrade.glow import glow, glow_weights


@pytest.mark.parametrize("falloff", [0.0, 2.0, 2.5, 3.0, 6.0])
def test_weights_sum_to_one_and_steeper_glows_are_narrower(falloff: float) -> None:
    weights = glow_weights(falloff)
    assert sum(weights) == pytest.approx(1)
    assert (weights[0] > weights[-1]) == (falloff > 2)


@pytest.mark.parametrize("falloff", [2.5, 3.0])
@pytest.mark.parametrize("place", [(100, 120), (133, 97)])
def test_the_kernel_sums_to_one(falloff: float, place: tuple[int, int]) -> None:
    light = torch.zeros(3, 257, 259)
    light[:, place[0], place[1]] = 40.0
    assert glow(light, falloff).sum(dim=(1, 2)).tolist() == pytest.approx([40.0] * 3, rel=0.05)


def test_even_light_stays_as_it_is() -> None:
    assert torch.allclose(glow(torch.full((3, 60, 90), 2.0), 2.4), torch.full((3, 60, 90), 2.0), atol=1e-4)


def test_the_glow_falls_as_the_power_says() -> None:
    light = torch.zeros(1, 513, 513)
    light[0, 256, 256] = 1.0
    spread = glow(light, 2.5)[0, 256, 256:]
    near, far = spread[8], spread[64]
    assert (near / far).log() / torch.tensor(8.0).log() == pytest.approx(2.5, abs=0.5)

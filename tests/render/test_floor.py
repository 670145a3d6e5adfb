"""No value becomes much darker than it was."""

import pytest
import torch
from toned_restoration import toned_restoration

from restorect.errors import ConfigError
from restorect.render.floor import FloorConfig
from restorect.render.step import Scene


def test_values_are_held_above_a_share_of_the_photo_and_else_left_alone() -> None:
    photo = torch.full((1, 3, 4, 5), 0.5)
    image = torch.linspace(-0.2, 1.2, 60).view(1, 3, 4, 5)
    held = FloorConfig(share=0.6).build()(image, Scene(photo, image, image))
    assert torch.equal(held, image.clamp(min=0.3))


def test_a_restoration_with_a_floor() -> None:
    photo = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    results = []
    for steps in ((), (FloorConfig(share=0.8),)):
        restoration, tone = toned_restoration(*steps, start="mean")
        tone.second.bias.copy_(torch.tensor([-2.0] * 3 + [0.0] * 6))  # darkens
        results.append(restoration(photo))
    without, held = results
    assert (without < 0.7 * photo).any()
    assert torch.equal(held, torch.maximum(without, 0.8 * photo))


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_out_of_range(share: float) -> None:
    with pytest.raises(ConfigError, match="share is"):
        FloorConfig(share=share)

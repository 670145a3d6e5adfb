"""Brighter by stops: the curve in closed form, and the step among the others."""

import pytest
import torch
from torch import Tensor

from restorect.colour import linear_to_srgb, srgb_to_linear
from restorect.nets.presets import student_preset
from restorect.render.brightness import Brightness, BrightnessConfig, brightened
from restorect.render.field_of_view import FieldOfViewConfig
from restorect.render.floor import FloorConfig
from restorect.render.restoration import Restoration, RestorationConfig
from restorect.render.step import Scene

STOPS = (-3.0, -1.0, -0.3, 0.5, 1.0, 3.0)


def _photo(seed: int = 0) -> Tensor:
    return torch.rand(2, 3, 40, 50, generator=torch.Generator().manual_seed(seed))


def _greys(light: Tensor, stops: float) -> Tensor:
    """What becomes of greys, in linear light."""
    return srgb_to_linear(brightened(linear_to_srgb(light).expand(1, 3, 1, -1), stops))[0, 0, 0]


@pytest.mark.parametrize("stops", STOPS)
def test_greys_follow_the_curve(stops: float) -> None:
    light, k = torch.linspace(0, 1, 1001), 2**stops
    found = _greys(light, stops)
    torch.testing.assert_close(found, k * light / (1 + (k - 1) * light), atol=2e-6, rtol=1e-4)
    assert found[0] == 0
    assert found[-1] == 1, "white stays white"
    assert (found.diff() > 0).all()
    slope = _greys(torch.tensor([1e-5]), stops) / 1e-5
    torch.testing.assert_close(slope, torch.tensor([k]), atol=0, rtol=1e-3)


@pytest.mark.parametrize("stops", STOPS)
def test_the_opposite_undoes_it_and_stops_add_up(stops: float) -> None:
    image = _photo()
    torch.testing.assert_close(brightened(brightened(image, stops), -stops), image, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        brightened(brightened(image, 0.7), stops), brightened(image, 0.7 + stops), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(brightened(image, 0), image, atol=1e-6, rtol=0)


@pytest.mark.parametrize("stops", STOPS)
def test_hue_and_saturation_stay_and_all_channels_go_one_way(stops: float) -> None:
    image = _photo()
    before, after = srgb_to_linear(image), srgb_to_linear(brightened(image, stops))
    gain = after / before.clamp(min=1e-9)
    bright = before.amin(dim=1, keepdim=True).expand_as(before) > 1e-3
    torch.testing.assert_close(gain[bright], gain.amax(dim=1, keepdim=True).expand_as(gain)[bright], atol=0, rtol=1e-3)
    assert ((after - before) * (1 if stops > 0 else -1) >= -1e-6).all()
    assert (after.amin(), after.amax() <= 1 + 1e-6) == (after.amin().clamp(min=0), True)


def test_lights_do_not_burn() -> None:
    """Two stops more, and a gradient up to white is still one; multiplication would have cut it off at a quarter."""
    light = torch.linspace(0.9, 1, 100)
    assert (_greys(light, 2).diff() > 0).all()
    assert (_greys(light, 2)[:-1] < 1).all()


def test_the_step_clips_what_comes_from_the_transformer() -> None:
    image = 3 * _photo() - 1
    step = BrightnessConfig(stops=1.5).build()
    assert torch.equal(step(image, Scene(image, image, image)), brightened(image.clamp(0, 1), 1.5))


def test_it_stands_behind_all_but_the_field_of_view_and_shares_the_weights() -> None:
    for after, expected in (
        ((FloorConfig(),), ["floor", "brightness"]),
        ((FloorConfig(), FieldOfViewConfig()), ["floor", "brightness", "field-of-view"]),
        ((), ["brightness"]),
    ):
        network = Restoration(RestorationConfig(student=student_preset("nano"), after=after))
        assert network.brightened(0) is network
        other = network.brightened(-1.5)
        assert [step.name for step in other.config.after] == list(other.after) == expected
        assert isinstance(other.after["brightness"], Brightness)
        assert list(network.after) == [step.name for step in after]
        assert all(other.after[name] is step for name, step in network.after.items())
        for one, same in zip(network.parameters(), other.parameters(), strict=True):
            assert one is same

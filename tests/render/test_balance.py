"""White balance: nothing of the water is left, crops are balanced as their photo, any photo comes out finite."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from toned_student import toned_student
from torch import Tensor

from restorect.errors import ConfigError
from restorect.nets.balance import BalanceConfig, balance
from restorect.nets.student import Student

FULL = BalanceConfig(clip=0, pull=0.7, gain=20, saturation=1)


def _photo(height: int = 96, width: int = 96, count: int = 1) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(0)) ** torch.tensor(
        [2.0, 0.8, 1.0]
    ).view(1, 3, 1, 1)


def _under_water(photo: Tensor, factors: tuple[float, ...], veil: tuple[float, ...]) -> Tensor:
    a, b = (torch.tensor(numbers).view(1, 3, 1, 1) for numbers in (factors, veil))
    return a * photo + b


@settings(deadline=None, max_examples=30)
@given(st.tuples(*[st.floats(0.2, 0.6)] * 3), st.tuples(*[st.floats(0, 0.4)] * 3))
def test_the_colour_of_the_water_is_gone(factors: tuple[float, ...], veil: tuple[float, ...]) -> None:
    photo = _photo()
    wet = _under_water(photo, factors, veil)
    torch.testing.assert_close(balance(wet, wet, FULL), balance(photo, photo, FULL), atol=2e-4, rtol=0)


def test_means_meet_by_as_much_as_is_asked_for() -> None:
    photo = _photo()
    stretched = balance(photo, photo, replace(FULL, pull=0))
    assert (stretched.amin(dim=(2, 3)) < 1e-3).all()
    torch.testing.assert_close(stretched.amax(dim=(2, 3)), torch.ones(1, 3))
    means = stretched.mean(dim=(2, 3), keepdim=True)
    grey = means.mean(dim=1, keepdim=True)
    for pull in (0.3, 1.0):
        by_hand = stretched ** ((grey.log() / means.log()) ** pull)
        torch.testing.assert_close(balance(photo, photo, replace(FULL, pull=pull)), by_hand)

    def apart(pull: float) -> float:
        return float(balance(photo, photo, replace(FULL, pull=pull)).mean(dim=(2, 3)).std())

    assert apart(1.0) < 0.4 * apart(0.0)


def test_colours_fade_and_luma_stays() -> None:
    photo = _photo()
    vivid, faded = (balance(photo, photo, replace(FULL, saturation=share)) for share in (1.0, 0.6))
    luma = (torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1) * vivid).sum(dim=1, keepdim=True)
    torch.testing.assert_close(faded - luma, 0.6 * (vivid - luma))


def test_the_share_that_is_clipped() -> None:
    ramp = torch.linspace(0.1, 0.6, 96 * 96).view(1, 1, 96, 96).expand(1, 3, 96, 96)
    balanced = balance(ramp, ramp, BalanceConfig(clip=0.01, pull=0.7, saturation=1))
    assert float((balanced == 1).double().mean()) == pytest.approx(0.01, abs=2e-4)
    assert float((balanced == balanced.min()).double().mean()) == pytest.approx(0.01, abs=2e-4)


def test_a_crop_is_balanced_as_its_photo() -> None:
    photo = _under_water(_photo(200, 300), (0.3, 0.5, 0.4), (0.0, 0.2, 0.3))
    crop = photo[..., 20:90, 100:190]
    config = BalanceConfig()
    torch.testing.assert_close(balance(crop, photo, config), balance(photo, photo, config)[..., 20:90, 100:190])
    assert not torch.allclose(balance(crop, crop, config), balance(crop, photo, config), atol=1e-2)


def test_each_photo_by_itself_and_any_photo() -> None:
    photos = torch.cat([_photo(), 0.3 * _photo() + 0.2])
    config = BalanceConfig()
    alone = [balance(photo[None], photo[None], config) for photo in photos]
    assert torch.equal(balance(photos, photos, config), torch.cat(alone))
    for photo in (torch.zeros(1, 3, 40, 50), torch.ones(1, 3, 1, 1), torch.full((1, 3, 300, 2), 0.3), _photo(1, 300)):
        balanced = balance(photo, photo, config)
        assert balanced.shape == photo.shape
        assert ((balanced >= 0) & (balanced <= 1)).all()
    flat = torch.tensor([0.1, 0.2, 0.9]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    assert torch.equal(balance(flat, flat, config), flat)  # nothing to stretch


def test_a_dark_photo_is_balanced_as_a_bright_one() -> None:
    photo, config = _photo(), BalanceConfig()
    dark = photo / 256  # such as 16 bits hold
    torch.testing.assert_close(balance(dark, dark, config), balance(photo, photo, config), atol=1e-4, rtol=0)


def test_a_channel_that_is_hardly_there_is_filled_from_the_others() -> None:
    config = replace(FULL, gain=5, pull=0)
    photo = _photo()
    red, green, blue = balance(photo, photo, config)[0]
    for share in (0.099, 0.15, 0.2, 0.9):  # of the others' range; from 1 / 5 on a channel stands for itself
        faint = photo.clone()
        faint[:, 0] = 0.02 + share * photo[:, 0]
        there = min(max(10 * share - 1, 0), 1)
        filled = (there * red + green + blue) / (there + 2)
        seen = balance(faint, faint, config)[0]
        torch.testing.assert_close(seen[0], (1 - there) * filled + there * red, atol=0.01, rtol=0)
        torch.testing.assert_close(seen[1:], torch.stack([green, blue]), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    "setting", [{"clip": 0.5}, {"clip": -0.1}, {"pull": 1.1}, {"gain": 0.5}, {"saturation": 2}, {"keep": -1}]
)
def test_settings_out_of_range(setting: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(setting))):
        BalanceConfig(**setting)


def _student(balanced: bool, view: int = 48) -> Student:
    return toned_student(view, balance=FULL if balanced else None)[0]


@pytest.mark.parametrize("view", [0, 48])
def test_a_student_restores_a_scene_alike_in_any_water(view: int) -> None:
    photo = _photo(96, 192)  # halved in one direction by the thumbnail: levels are those of the thumbnail
    wet = _under_water(photo, (0.3, 0.6, 0.5), (0.05, 0.2, 0.3))
    for balanced in (True, False):
        student = _student(balanced, view)
        start = student.start(1, "noise")
        same = torch.allclose(student(wet, start), student(photo, start), atol=5e-3)
        assert same is balanced
        read = [student.read(low).stacked() for low in (wet, photo)]
        assert torch.allclose(*read, atol=2e-2) is balanced


def test_calibration_sees_the_balanced_photo() -> None:
    photo = _photo()
    wet = _under_water(photo, (0.3, 0.6, 0.5), (0.05, 0.2, 0.3))
    student = _student(balanced=True)
    figures = []
    for low in (torch.cat([photo, photo.flip(3)]), torch.cat([wet, wet.flip(3)])):
        student.calibrate(low)
        figures.append(student.image_condition.trunk.standardise.mean.clone())
    torch.testing.assert_close(figures[0], figures[1], atol=1e-3, rtol=1e-2)


def test_a_share_of_the_balanced_photo_is_kept() -> None:
    photo = _under_water(_photo(), (0.3, 0.6, 0.5), (0.05, 0.2, 0.3))
    student = _student(balanced=True)
    start = student.start(1, "mean")
    without, balanced = student(photo, start), student.balanced(photo)
    assert without.max() <= 1  # what is too bright is white before it is mixed
    for keep in (0.3, 1.0):
        student.config = replace(student.config, balance=replace(FULL, keep=keep))
        torch.testing.assert_close(student(photo, start), (1 - keep) * without + keep * balanced)


def test_without_an_exposure_net_the_balanced_photo_tells_how_bright() -> None:
    photos = torch.cat([_under_water(_photo(), (0.3, 0.6, 0.5), (0.05, 0.2, 0.3)), 0.9 * _photo() ** 0.5])
    student = _student(balanced=True)
    start = student.start(2, "mean")
    own, balanced = (images.mean(dim=(1, 2, 3)) for images in (student(photos, start), student.balanced(photos)))
    assert (own / balanced - 1).abs().min() > 0.02
    for trust in (0.0, 0.5):
        student.config = replace(student.config, exposure_trust=trust)
        wanted = own**trust * balanced ** (1 - trust)
        torch.testing.assert_close(student(photos, start).mean(dim=(1, 2, 3)), wanted, atol=1e-3, rtol=0)

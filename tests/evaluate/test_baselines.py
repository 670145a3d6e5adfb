"""Classical methods: closed forms and invariants."""

import numpy as np
import pytest
from evaluate_makers import dark, picture

from restorect.evaluate.baselines import (
    BASELINES,
    clahe,
    gain_and_non_local_means,
    gamma,
    grey_world,
    histogram_equalisation,
    multi_scale_retinex,
    unchanged,
    white_balance,
)


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("value", [0, 7, 255])
def test_every_baseline_takes_flat_and_tiny_images(name: str, value: int) -> None:
    for shape in ((1, 1, 3), (3, 40, 3)):
        image = np.full(shape, value, np.uint8)
        before = image.copy()
        output = BASELINES[name](image)
        assert (output.shape, output.dtype) == (image.shape, np.uint8)
        assert np.array_equal(image, before)


def test_the_input_is_the_input() -> None:
    image = picture(0)
    assert np.array_equal(unchanged(image), image)
    assert unchanged(image) is not image


def test_gamma_takes_a_flat_image_to_mid_grey_and_keeps_black_and_white() -> None:
    assert abs(int(gamma(np.full((8, 8, 3), 30, np.uint8))[0, 0, 0]) - 128) <= 1
    image = np.zeros((8, 8, 3), np.uint8)
    image[0, 0], image[4:] = 255, 20
    output = gamma(image)
    assert (output[0, 0, 0], output[1, 1, 0]) == (255, 0)
    assert output[5, 5, 0] > 20


def test_the_denoiser_brightens_by_one_gain_and_takes_the_noise_away() -> None:
    random = np.random.default_rng(0)
    noisy = np.full((64, 64, 3), 20.0)
    noisy[:, 32:] = 40
    photo = np.round(noisy + random.normal(0, 1.5, noisy.shape)).astype(np.uint8)
    output = gain_and_non_local_means(photo).astype(float)
    gain = 0.44 * 255 / photo.mean()
    assert output.mean() == pytest.approx(0.44 * 255, abs=1)
    assert output[:, 36:].mean() / output[:, :28].mean() == pytest.approx(2, rel=0.02)
    assert output[8:-8, 40:-8].std() < 0.4 * gain * photo[8:-8, 40:-8].std()


def test_the_denoiser_darkens_nothing_and_keeps_hue() -> None:
    bright = np.full((16, 16, 3), (230, 150, 120), np.uint8)
    assert np.abs(gain_and_non_local_means(bright).astype(int) - bright).max() <= 2
    orange = np.full((16, 16, 3), (20, 10, 5), np.uint8)
    red, green, blue = gain_and_non_local_means(orange)[8, 8].astype(float)
    assert red / green == pytest.approx(2, rel=0.05)
    assert green / blue == pytest.approx(2, rel=0.08)


def test_gamma_keeps_the_order_of_values() -> None:
    image = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2) // 4
    assert (np.diff(gamma(image)[0, :, 0].astype(int)) >= 0).all()


def test_equalisation_spreads_the_luma_over_the_whole_range() -> None:
    image = dark(np.repeat(picture(1, 64, 64)[:, :, :1], 3, axis=2))
    output = histogram_equalisation(image)
    assert image.max() < 70
    assert (output.min(), output.max()) == (0, 255)


def test_clahe_raises_local_contrast_and_keeps_colour() -> None:
    image = dark(picture(2, 128, 128), 0.4)
    output = clahe(image)
    assert output.std() > image.std()
    grey = np.repeat(image[:, :, :1], 3, axis=2)
    assert np.ptp(clahe(grey).astype(int), axis=2).max() <= 2


def test_retinex_does_not_see_a_factor_of_light() -> None:
    bright = picture(3, 80, 80)
    halved = (bright / 2).round().astype(np.uint8)
    difference = multi_scale_retinex(bright).astype(int) - multi_scale_retinex(halved)
    assert np.abs(difference).mean() < 4


def test_retinex_flattens_a_ramp_of_light_over_texture() -> None:
    texture = np.random.default_rng(4).uniform(0.5, 1.0, (120, 120, 1))
    ramp = np.linspace(0.1, 1.0, 120)[None, :, None]
    image = np.round(255 * np.repeat(texture * ramp, 3, axis=2)).astype(np.uint8)
    output = multi_scale_retinex(image)
    before, after = (abs(x[:, 20:50].mean() / x[:, 80:110].mean() - 1) for x in (image, output))
    assert after < 0.6 * before


def test_grey_world_makes_the_channel_means_equal() -> None:
    image = (picture(5) * np.array([0.3, 0.5, 0.6])).round().astype(np.uint8)
    means = grey_world(image).reshape(-1, 3).mean(axis=0)
    assert np.ptp(means) < 1
    assert np.ptp(image.reshape(-1, 3).mean(axis=0)) > 20


def test_white_balance_does_not_see_the_water() -> None:
    image = picture(5)
    wet = (image * np.array([0.4, 0.6, 0.5]) + np.array([5, 60, 80])).round().astype(np.uint8)
    difference = white_balance(wet).astype(int) - white_balance(image)
    assert np.abs(difference).max() <= 6  # of which 255 / (2 * 0.4 * 200) come from rounding
    assert np.abs(wet.astype(int) - image).mean() > 20

"""Metrics of the eye: closed forms of drawn scenes, what is undefined, and agreement with the definitions in OpenCV.

Pictures are drawn as luma of 0 to 255, (H, W), and turned into grey photographs.
"""

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from restorect.metrics.eye import EYE
from restorect.metrics.registry import METRICS, load_metric

SIDE = 160


def photo(luma: np.ndarray) -> Tensor:
    """A grey photograph (1, 3, H, W) of levels 0 to 255."""
    return torch.from_numpy(np.asarray(luma, np.float32) / 255)[None, None].repeat(1, 3, 1, 1)


def figure(name: str, before: np.ndarray, after: np.ndarray) -> float:
    return float(load_metric(name).score(photo(after), photo(before)))


def flat(level: float) -> np.ndarray:
    return np.full((SIDE, SIDE), level, np.float32)


def texture(level: float, spread: float, seed: int = 0) -> np.ndarray:
    """Whole levels, noise of this spread around a level."""
    return np.round(np.random.default_rng(seed).normal(level, spread, (SIDE, SIDE))).clip(0, 255).astype(np.float32)


def test_a_lamp_that_turns_white_is_burnt_and_one_that_was_white_is_not() -> None:
    before = flat(100)
    before[:40, :40] = 200
    before[60:80, 60:80] = 240
    after = before.copy()
    after[:40, :40] = 255
    after[60:80, 60:80] = 255
    assert figure("burnt", before, after) == pytest.approx(100 * 1600 / SIDE**2)
    assert figure("burnt", before, before) == 0
    after[:40, :40] = 249
    assert figure("burnt", before, after) == 0


def test_a_clipped_channel_is_burnt_where_the_pixel_is_nearly_white() -> None:
    before = photo(flat(200))
    yellowish, orange = (
        torch.tensor(c).view(1, 3, 1, 1).expand_as(before) / 255 for c in ([255, 250, 200], [255, 180, 90])
    )
    metric = load_metric("burnt")
    assert float(metric.score(yellowish, before)) == 100  # luma 245.8
    assert float(metric.score(orange, before)) == 0


def test_black_places_have_the_grey_and_the_noise_that_they_were_given() -> None:
    before = flat(120)
    before[:, :80] = 3
    after = np.where(before == 3, texture(30, 4), before)
    assert figure("grey", before, before) == pytest.approx(3)
    assert figure("grey", before, after) == pytest.approx(30, abs=0.1)
    assert figure("dark-noise", before, before) == 0
    assert figure("dark-noise", before, after) == pytest.approx(4, rel=0.04)
    assert figure("dark-noise", before, np.where(before == 3, flat(30), before)) == 0


def test_a_constant_gain_lifts_and_opens_by_the_gain() -> None:
    before = texture(24, 3)
    for gain in (1.0, 2.0, 3.5):
        after = np.round(before * gain)
        assert figure("lift", before, after) == pytest.approx(gain, rel=0.01)
        assert figure("shadows", before, after) == pytest.approx(gain, rel=0.01)


def test_lights_keep_the_share_of_their_contrast() -> None:
    before = texture(190, 8)
    for share in (1.0, 0.5, 0.0):
        after = np.round(215 + share * (before - 190))
        assert figure("lights", before, after) == pytest.approx(share, abs=0.01)
    assert figure("lights", before, flat(255)) == pytest.approx(0, abs=1e-6)


def test_a_halo_is_the_stops_between_near_and_far() -> None:
    before = flat(180)
    before[:, :60] = 20
    assert figure("halo", before, before) == 0
    after = before.copy()
    after[:, 60:82] = 220  # all that is near is this much brighter, what is 24 pixels away is not
    expected = math.log2(224 / 184)
    assert figure("halo", before, after) == pytest.approx(expected, rel=0.1)
    assert figure("halo", before, np.minimum(before * 1.2, 255)) == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize(
    ("level", "undefined"),
    [
        (100, {"grey", "dark-noise", "lift", "lights", "shadows", "halo"}),
        (2, {"lift", "lights", "shadows", "halo"}),
        (30, {"grey", "dark-noise", "lights", "shadows", "halo"}),  # dark, but without any structure to open
        (200, {"grey", "dark-noise", "lift", "lights", "shadows", "halo"}),
    ],
)
def test_what_a_photo_has_nothing_of_is_undefined(level: float, undefined: set[str]) -> None:
    found = {name for name in EYE if math.isnan(figure(name, flat(level), flat(level)))}
    assert found == undefined
    assert all(METRICS[name].may_be_undefined for name in undefined)


def test_two_per_cent_are_too_few() -> None:
    before = flat(120)
    before[:20, :25] = 0  # 2 % of the pixels, and fewer still after the mean of 5 x 5
    assert math.isnan(figure("grey", before, before))
    before[:30, :30] = 0
    assert figure("grey", before, before) == 0


def test_one_pixel_has_an_answer() -> None:
    for name in EYE:
        assert load_metric(name).score(torch.zeros(1, 3, 1, 1), torch.zeros(1, 3, 1, 1)).shape == (1,)


def luma(picture: np.ndarray) -> np.ndarray:
    return picture @ np.array([0.114, 0.587, 0.299], np.float32)


def slope(a: np.ndarray, b: np.ndarray, low: float, high: float) -> float:
    base = cv2.GaussianBlur(a, (0, 0), 8)
    where = (base >= low) & (base <= high)
    own, new = (a - base)[where], (b - cv2.GaussianBlur(b, (0, 0), 8))[where]
    return float((own * new).sum() / (own**2).sum())


def oracle(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """The definitions, written down once more; pictures (H, W, 3) float32 in OpenCV's order, 0 to 255."""
    first, last = luma(a), luma(b)
    white = (b.min(2) >= 250) | ((b.max(2) >= 255) & (last >= 245))
    black = cv2.blur(first, (5, 5)) <= 6
    dark = (first >= 10) & (first <= 60)
    noise = np.median(np.abs(cv2.Laplacian(last, cv2.CV_32F)[black])) / 0.6745 / np.sqrt(20)
    soft = cv2.GaussianBlur(first, (0, 0), 3)
    away = cv2.distanceTransform(1 - (soft < 60).astype(np.uint8), cv2.DIST_L2, 5)
    gain = np.log2((cv2.GaussianBlur(last, (0, 0), 2) + 4) / (cv2.GaussianBlur(first, (0, 0), 2) + 4))
    near, far = (gain[(soft > 140) & (away >= p) & (away <= q)] for p, q in ((4, 14), (24, 44)))
    return {
        "burnt": 100 * float((white & (a.max(2) <= 235)).mean()),
        "grey": float(last[black].mean()),
        "dark-noise": float(noise),
        "lift": float(np.median(last[dark]) / np.median(first[dark])),
        "lights": slope(first, last, 150, np.inf),
        "shadows": slope(first, last, 4, 50),
        "halo": float(abs(near.mean() - far.mean())),
    }


def scene(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A textured colourful scene with black, dark and bright places, and something made of it; uint8."""
    random = np.random.default_rng(seed)
    levels = random.choice([0, 2, 25, 45, 170, 215], (5, 6)).astype(np.float32)
    levels[0, :2], levels[1, :2], levels[2, :2] = 1, 30, 200
    light = cv2.resize(levels, (300, 250), interpolation=cv2.INTER_NEAREST)[..., None]
    fine = cv2.resize(random.uniform(0.7, 1.3, (125, 150, 3)).astype(np.float32), (300, 250))
    before = np.round((light * fine).clip(0, 255))
    after = 255 * (before / 255) ** 0.45 * random.uniform(0.95, 1.15, 3) + random.normal(0, 3, before.shape)
    return before.astype(np.uint8), np.round(after.clip(0, 255)).astype(np.uint8)


@pytest.mark.parametrize("seed", range(4))
def test_they_agree_with_their_definitions(seed: int) -> None:
    pictures = scene(seed)
    expected = oracle(*(picture.astype(np.float32) for picture in pictures))
    before, after = (torch.from_numpy(p[..., ::-1].copy()).permute(2, 0, 1)[None].float() / 255 for p in pictures)
    found = {name: float(load_metric(name).score(after, before)) for name in EYE}
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert expected["burnt"] > 0.1  # a scene in which every figure says something
    assert expected["grey"] > 1


@pytest.mark.parametrize("name", EYE)
def test_each_of_a_batch_is_judged_by_itself(name: str) -> None:
    scenes = [scene(seed) for seed in (0, 1)]
    stacks = [np.stack([pair[place] for pair in scenes]) for place in (0, 1)]
    before, after = (torch.from_numpy(s).permute(0, 3, 1, 2).float() / 255 for s in stacks)
    together: Callable[[Tensor, Tensor], Tensor] = load_metric(name).score
    alone = torch.stack([together(a, b) for a, b in zip(after, before, strict=True)])
    assert torch.equal(together(after, before), alone)

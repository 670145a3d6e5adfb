"""UCIQE and UIQM against second implementations in plain loops, written from the descriptions of the variants."""

import importlib
import math

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from restorect.metrics.uciqe import uciqe
from restorect.metrics.uiqm import uiqm


def pixels(photo: Tensor) -> np.ndarray:
    return (photo[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)


def test_uciqe_lab100_equals_scikit_image_in_loops(photo: Tensor) -> None:
    color = importlib.import_module("skimage.color")
    lab = color.rgb2lab(pixels(photo)).reshape(-1, 3)
    chroma = [math.sqrt(a * a + b * b) for _, a, b in lab]
    rising = sorted(lab[:, 0])
    step = round(0.01 * len(rising))
    contrast = np.mean(rising[::-1][::step]) - np.mean(rising[::step])
    saturation = np.mean([c / L if L > 0 else 0.0 for c, L in zip(chroma, lab[:, 0], strict=True)])
    expected = 0.4680 * np.std(chroma) + 0.2745 * contrast + 0.2576 * saturation
    assert uciqe(photo, variant="lab100").item() == pytest.approx(expected, rel=2e-3)


def test_uciqe_offset8_equals_opencvs_eight_bit_lab(photo: Tensor) -> None:
    lab = cv2.cvtColor(pixels(photo), cv2.COLOR_RGB2LAB).reshape(-1, 3) / 255
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    spread = math.sqrt(np.mean(np.abs(1 - (chroma.mean() / chroma) ** 2)))
    rising = np.sort(lab[:, 0])
    contrast = rising[int(0.99 * len(rising))] - rising[int(0.01 * len(rising))]
    saturation = np.mean(chroma / np.hypot(chroma, lab[:, 0]))
    expected = 0.4680 * spread + 0.2745 * contrast + 0.2576 * saturation
    assert uciqe(photo, variant="offset8").item() == pytest.approx(expected, abs=3e-3)


def test_uciqe_unit_of_two_tones_in_closed_form() -> None:
    """Half black, half white: no chroma, no saturation, full contrast."""
    image = torch.zeros(1, 3, 20, 20)
    image[..., 10:] = 1
    assert uciqe(image).item() == pytest.approx(0.2745, abs=1e-4)
    assert uciqe(torch.zeros(1, 3, 20, 20)).item() == 0


def test_uciqe_rises_with_colour_and_contrast(photo: Tensor) -> None:
    grey = photo.mean(dim=1, keepdim=True).expand_as(photo)
    veiled = 0.5 * photo + 0.25
    for variant in ("unit", "lab100"):
        full = uciqe(photo, variant=variant).item()
        assert uciqe(grey, variant=variant).item() < full
        assert uciqe(veiled, variant=variant).item() < full


def reference_uiqm(image: np.ndarray, variant: str) -> float:
    ndimage = importlib.import_module("scipy.ndimage")
    funie = variant == "funie"
    size, blue = (10, 0.144) if funie else (8, 0.114)
    x = image.astype(np.float64)
    height, width = x.shape[0] // size, x.shape[1] // size

    def blocks(values: np.ndarray) -> list[np.ndarray]:
        return [
            values[r * size : (r + 1) * size, c * size : (c + 1) * size] for r in range(height) for c in range(width)
        ]

    means, spreads = [], []
    for opponent in (x[..., 0] - x[..., 1], (x[..., 0] + x[..., 1]) / 2 - x[..., 2]):
        rising = np.sort(opponent, axis=None)
        n = len(rising)
        if funie:
            low, high = math.ceil(0.1 * n), math.floor(0.1 * n)
            mean = sum(rising[low + 1 : n - high]) / (n - low - high)
            spreads.append(np.mean((rising - mean) ** 2))
        else:
            kept = rising[int(0.1 * n) : n - int(0.1 * n)]
            mean = kept.mean()
            spreads.append(kept.var())
        means.append(mean)
    colour = -0.0268 * math.hypot(*means) + 0.1586 * math.sqrt(sum(spreads))

    sharpness = 0.0
    for channel, weight in enumerate((0.299, 0.587, blue)):
        c = x[..., channel]
        edges = c * np.hypot(ndimage.sobel(c, 0), ndimage.sobel(c, 1))
        ratios = [math.log(b.max() / b.min()) for b in blocks(edges) if b.min() > 0]
        sharpness += weight * 2 / (height * width) * sum(ratios)

    total = 0.0
    for block in blocks(x if funie else x @ np.array((0.299, 0.587, 0.114))):
        top, low = block.max(), block.min()
        if funie:
            m = (top - low) / (top + low) if top + low > 0 else 0
        else:
            m = 1026 * (top - low) / (1026 - low) / (top + low - top * low / 1026) if top > 0 else 0
        total += -m * math.log(m) if m > 0 else 0
    count = height * width
    contrast = total / count if funie else 1026 - 1026 * (1 - total / 1026) ** (1 / count)
    return 0.0282 * colour + 0.2953 * sharpness + 3.5753 * contrast


@pytest.mark.parametrize("variant", ["funie", "plip"])
def test_uiqm_equals_loops(photo: Tensor, variant: str) -> None:
    expected = reference_uiqm(pixels(photo), variant)
    assert uiqm(photo, variant=variant).item() == pytest.approx(expected, rel=1e-5)


def test_uiqm_of_one_grey_is_zero() -> None:
    grey = torch.full((2, 3, 40, 40), 0.5)
    assert uiqm(grey).tolist() == [0, 0]
    assert uiqm(grey, variant="plip").tolist() == pytest.approx([0, 0], abs=1e-6)


@pytest.mark.parametrize("metric", [uciqe, uiqm])
def test_samples_do_not_mix_and_unknown_variants_are_refused(metric) -> None:  # type: ignore[no-untyped-def]
    images = torch.rand(3, 3, 30, 41)
    alone = torch.cat([metric(images[i : i + 1]) for i in range(3)])
    assert torch.allclose(metric(images), alone)
    with pytest.raises(ValueError, match="variant"):
        metric(images, variant="paper")

import importlib

import numpy as np
import pytest
import torch
from torch import Tensor

from restorect.metrics.delta_e import ciede2000, delta_e
from restorect.metrics.lab import srgb_to_lab

# Sharma, Wu, Dalal 2005, table 1: (L, a, b) twice, and their difference to four decimals.
PUBLISHED = [
    (50.0000, 2.6772, -79.7751, 50.0000, 0.0000, -82.7485, 2.0425),
    (50.0000, 3.1571, -77.2803, 50.0000, 0.0000, -82.7485, 2.8615),
    (50.0000, 2.8361, -74.0200, 50.0000, 0.0000, -82.7485, 3.4412),
    (50.0000, -1.3802, -84.2814, 50.0000, 0.0000, -82.7485, 1.0000),
    (50.0000, -1.1848, -84.8006, 50.0000, 0.0000, -82.7485, 1.0000),
    (50.0000, -0.9009, -85.5211, 50.0000, 0.0000, -82.7485, 1.0000),
    (50.0000, 0.0000, 0.0000, 50.0000, -1.0000, 2.0000, 2.3669),
    (50.0000, -1.0000, 2.0000, 50.0000, 0.0000, 0.0000, 2.3669),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0009, 7.1792),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0010, 7.1792),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0011, 7.2195),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0012, 7.2195),
    (50.0000, -0.0010, 2.4900, 50.0000, 0.0009, -2.4900, 4.8045),
    (50.0000, -0.0010, 2.4900, 50.0000, 0.0010, -2.4900, 4.8045),
    (50.0000, -0.0010, 2.4900, 50.0000, 0.0011, -2.4900, 4.7461),
    (50.0000, 2.5000, 0.0000, 50.0000, 0.0000, -2.5000, 4.3065),
    (50.0000, 2.5000, 0.0000, 73.0000, 25.0000, -18.0000, 27.1492),
    (50.0000, 2.5000, 0.0000, 61.0000, -5.0000, 29.0000, 22.8977),
    (50.0000, 2.5000, 0.0000, 56.0000, -27.0000, -3.0000, 31.9030),
    (50.0000, 2.5000, 0.0000, 58.0000, 24.0000, 15.0000, 19.4535),
    (50.0000, 2.5000, 0.0000, 50.0000, 3.1736, 0.5854, 1.0000),
    (50.0000, 2.5000, 0.0000, 50.0000, 3.2972, 0.0000, 1.0000),
    (50.0000, 2.5000, 0.0000, 50.0000, 1.8634, 0.5757, 1.0000),
    (50.0000, 2.5000, 0.0000, 50.0000, 3.2592, 0.3350, 1.0000),
    (60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644),
    (63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630),
    (61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731),
    (35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645),
    (22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373),
    (36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146),
    (90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441),
    (90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381),
    (6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377),
    (2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082),
]


@pytest.mark.parametrize("row", PUBLISHED)
def test_the_34_published_pairs(row: tuple[float, ...]) -> None:
    first = torch.tensor(row[:3], dtype=torch.float64).view(1, 3, 1, 1)
    second = torch.tensor(row[3:6], dtype=torch.float64).view(1, 3, 1, 1)
    assert ciede2000(first, second).item() == pytest.approx(row[6], abs=5.1e-5)
    # On the line where the two hues are exactly opposite, no rule is symmetric but by convention: 10 and 14.
    assert ciede2000(second, first).item() == pytest.approx(ciede2000(first, second).item(), abs=1e-9)


def test_agrees_with_scikit_image(photo: Tensor) -> None:
    color = importlib.import_module("skimage.color")
    output = (photo**0.7 * photo.new_tensor((1.0, 0.9, 1.1)).view(1, 3, 1, 1)).clamp(0, 1)
    labs = [color.rgb2lab(x[0].permute(1, 2, 0).double().numpy()) for x in (output, photo)]
    assert np.allclose(srgb_to_lab(photo)[0].permute(1, 2, 0).numpy(), labs[1], atol=5e-3)  # it rounds CIE's constants
    expected = color.deltaE_ciede2000(*labs).mean()
    assert delta_e(output, photo).item() == pytest.approx(expected, abs=1e-3)


def test_black_to_white_is_100_and_equal_is_0() -> None:
    black, white = torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)
    assert delta_e(black, white).item() == pytest.approx(100, abs=1e-2)
    image = torch.rand(2, 3, 5, 7)
    assert torch.allclose(delta_e(image, image), torch.zeros(2), atol=1e-6)
    assert torch.allclose(delta_e(image, image.flip(0)), delta_e(image.flip(0), image))


def test_lab_of_the_primaries() -> None:
    """Values of CIE colorimetry for the sRGB primaries under D65."""
    rgb = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [0, 0, 0]]).view(5, 3, 1, 1)
    expected = torch.tensor(
        [[53.24, 80.09, 67.20], [87.73, -86.18, 83.18], [32.30, 79.19, -107.86], [100.0, 0, 0], [0, 0, 0]]
    ).double()
    assert torch.allclose(srgb_to_lab(rgb).view(5, 3), expected, atol=0.02)

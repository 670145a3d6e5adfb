"""Vesselness against scikit-image's, and the correlation on drawn vessels."""

import math

import cv2
import numpy as np
import pytest
import torch
from skimage.filters import frangi
from torch import Tensor

from restorect.metrics.registry import load_metric
from restorect.metrics.vessels import vessel_correlation, vesselness


def _smooth(seed: int = 0) -> np.ndarray:
    return cv2.GaussianBlur(np.random.default_rng(seed).random((90, 120)), (0, 0), 2)


def _retina(*lines: int) -> Tensor:
    """Dark curves, one for each number, on an uneven bright ground."""
    canvas = np.full((200, 250), 0.6)
    for number in lines:
        x = np.arange(10, 240)
        y = 20 + 30 * number + 12 * np.sin(x / 25 + number)
        for column, row in zip(x, y, strict=True):
            cv2.circle(canvas, (int(column), int(row)), 2, 0.4, -1)
    canvas = cv2.GaussianBlur(canvas, (0, 0), 1) * np.linspace(0.8, 1.2, 250)
    return torch.from_numpy(canvas).float().expand(3, -1, -1).clone()


@pytest.mark.parametrize("sigma", [1.5, 2.0, 3.0])
@pytest.mark.parametrize("gamma", [0.02, 0.1])
def test_it_is_the_vesselness_of_scikit_image(sigma: float, gamma: float) -> None:
    image = _smooth()
    # There derivatives are not multiplied by the variance, and the border is mirrored once more between them.
    expected = frangi(image, sigmas=(sigma,), beta=0.5, gamma=gamma / sigma**2, black_ridges=True)
    found = vesselness(image, (sigma,), gamma=gamma)
    edge = math.ceil(6 * sigma)
    inner = (slice(edge, -edge), slice(edge, -edge))
    assert expected[inner].max() > 0.05
    np.testing.assert_allclose(found[inner], expected[inner], atol=0.02)


def test_several_scales_take_the_largest() -> None:
    image = _smooth(1)
    alone = [vesselness(image, (sigma,), gamma=0.05) for sigma in (1.0, 2.5)]
    np.testing.assert_array_equal(vesselness(image, (1.0, 2.5), gamma=0.05), np.maximum(*alone))


def test_dark_lines_answer_bright_ones_and_flat_ground_do_not() -> None:
    line = np.full((40, 60), 0.5)
    line[:, 29:32] = 0.3
    response = vesselness(line)
    assert response[20, 30] > 0.5
    assert response[20, 5] == pytest.approx(0, abs=1e-6)
    assert vesselness(1 - line)[20, 30] == pytest.approx(0, abs=1e-6)
    assert not vesselness(np.full((9, 9), 0.3)).any()


def test_turning_and_contrast_do_not_matter() -> None:
    image = _smooth(2)
    np.testing.assert_allclose(vesselness(np.rot90(image)), np.rot90(vesselness(image)), atol=1e-9)
    np.testing.assert_allclose(vesselness(0.3 * image + 0.1), vesselness(image), atol=1e-9)


def test_keeping_all_vessels_is_one_and_losing_or_inventing_is_less() -> None:
    clean = _retina(1, 2, 3)
    assert vessel_correlation(clean, clean) == pytest.approx(1)
    assert vessel_correlation(clean * 0.95 + 0.02, clean) > 0.98
    for other in (_retina(1, 3), _retina(1, 2, 3, 4), clean.new_tensor(cv2.GaussianBlur(clean[1].numpy(), (0, 0), 6))):
        assert vessel_correlation(other.expand(3, -1, -1), clean) < 0.9


def test_only_what_lies_inside_the_field_counts() -> None:
    clean, changed = _retina(1, 4), _retina(1)
    mask = np.zeros((200, 250), bool)
    mask[:120] = True
    assert vessel_correlation(changed, clean, mask) == pytest.approx(1, abs=1e-6)
    assert vessel_correlation(changed, clean) < 0.9


def test_what_cannot_be_compared_is_refused() -> None:
    clean = _retina(1)
    with pytest.raises(ValueError, match="one shape"):
        vessel_correlation(clean[:, :-1], clean)
    with pytest.raises(ValueError, match="too small"):
        vessel_correlation(clean, clean, np.zeros((200, 250), bool))
    with pytest.raises(ValueError, match="one channel"):
        vesselness(np.zeros((3, 4, 5)))
    flat = torch.full((3, 50, 60), 0.5)
    assert math.isnan(vessel_correlation(flat, flat))


def _framed(*lines: int) -> Tensor:
    """The same in a disc within a black frame, whose rim would be the strongest line of all."""
    image = _retina(*lines)
    canvas = np.zeros((200, 250), np.uint8)
    cv2.circle(canvas, (125, 100), 95, 1, -1)
    return image * torch.from_numpy(canvas)


def test_the_metric_of_tables_finds_the_field_of_view_in_the_clean_photo() -> None:
    clean, lost = _framed(1, 2, 3), _framed(1)
    kept, fewer = load_metric("vessels").score(torch.stack([clean, lost]), torch.stack([clean, clean])).tolist()
    mask = (clean > 0).all(dim=0).numpy()
    assert kept == pytest.approx(1)
    assert fewer == pytest.approx(vessel_correlation(lost, clean, mask), abs=0.05)
    assert fewer < 0.8


def test_the_metric_of_tables_wants_one_shape() -> None:
    clean = _retina(1)[None]
    with pytest.raises(ValueError, match="one shape"):
        load_metric("vessels").score(clean[..., :-1], clean)

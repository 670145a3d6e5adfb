"""What is done on arrays around the graphs is what torch does on tensors."""

import numpy as np
import pytest
import torch

from restorect.engine.steps import area_means, blended, brightened, kept_outside
from restorect.infer.subject import _blend
from restorect.nets.area import area_means as area_means_by_torch
from restorect.render.brightness import brightened as brightened_by_torch
from restorect.render.field_of_view import keep_outside


def pictures(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(height * width)
    return tuple(draw.random((height, width, 3), np.float32) for _ in range(2))  # type: ignore[return-value]


def tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]


def array(tensor: torch.Tensor) -> np.ndarray:
    return tensor[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (96, 96), (97, 131), (400, 603)])
def test_thumbnails(size: tuple[int, int]) -> None:
    image, _ = pictures(*size)
    found = area_means(tensor(image).numpy(), 96)
    np.testing.assert_allclose(found, area_means_by_torch(tensor(image), (96, 96)), atol=1e-6)


@pytest.mark.parametrize("stops", [-3.0, -0.5, 1.0, 3.0])
def test_brightness(stops: float) -> None:
    image, _ = pictures(31, 45)
    image[:3], image[3:6] = 0, 1
    found = brightened(image, stops)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, array(brightened_by_torch(tensor(image), stops)), atol=2e-6)


@pytest.mark.parametrize("strength", [0.25, 0.5, 1.0])
def test_strength(strength: float) -> None:
    photo, output = pictures(31, 45)
    output[:9] = photo[:9]
    found = blended(photo, output, strength)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, array(_blend(tensor(photo), tensor(output), strength)), atol=2e-6)
    np.testing.assert_array_equal(found[:9], photo[:9])


def test_nothing_changes_outside_the_field_of_view() -> None:
    photo, output = pictures(120, 160)
    rows, columns = np.mgrid[:120, :160]
    photo = 0.3 + photo / 2
    photo[np.hypot(rows - 60, columns - 80) > 55] *= 0.01
    found, expected = kept_outside(photo, output), array(keep_outside(tensor(photo), tensor(output)))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(found[0], photo[0])
    np.testing.assert_array_equal(found[60, 80], output[60, 80])


def test_without_a_frame_all_is_restored() -> None:
    photo, output = pictures(20, 30)
    np.testing.assert_array_equal(kept_outside(0.5 + photo / 2, output), output)

import cv2
import numpy as np
import pytest
import torch

from restorect.render.pyramid import cell_means, doubling, halving, larger, smaller, splined

DOUBLE = torch.zeros((), dtype=torch.float64)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 31])
def test_a_constant_stays_what_it_is(size: int) -> None:
    for matrix in (halving(size, DOUBLE), doubling(size, DOUBLE)):
        torch.testing.assert_close(matrix.sum(dim=1), torch.ones(len(matrix), dtype=torch.float64))


@pytest.mark.parametrize("shape", [(4, 6), (7, 9), (12, 5), (3, 2)])
def test_levels_are_those_of_opencv(shape: tuple[int, int]) -> None:
    array = np.random.default_rng(1).random(shape)
    image = torch.from_numpy(array)[None, None]
    down = smaller(image)
    np.testing.assert_allclose(down[0, 0].numpy(), cv2.pyrDown(array), atol=1e-12)
    expected = cv2.pyrUp(down[0, 0].numpy(), dstsize=shape[::-1])
    inner = (slice(0, shape[0] - 2), slice(0, shape[1] - 2))  # at the end OpenCV repeats where we reflect
    np.testing.assert_allclose(larger(down, image)[0, 0].numpy()[inner], expected[inner], atol=1e-12)


def test_splines_keep_a_ramp_and_leave_pixels_alone_where_cells_are_pixels() -> None:
    image = torch.rand(1, 2, 7, 5, generator=torch.Generator().manual_seed(1))
    assert torch.equal(splined(image, -2, 1, range(2, 6)), image[:, :, 2:6])
    pixels = torch.arange(40, dtype=torch.float64)
    nodes = cell_means(pixels.view(1, 1, 1, -1).expand(1, 1, 5, 40), 5)
    torch.testing.assert_close(splined(nodes, -1, 5, range(8, 32))[0, 0, 0], pixels[8:32])
    torch.testing.assert_close(splined(nodes.mT, -2, 5, range(8, 32))[0, 0, :, 0], pixels[8:32])
    assert float(splined(torch.ones(1, 1, 1, 8), -1, 5, range(40)).min()) == pytest.approx(1)


def test_cells_over_the_border_are_means_of_what_is_there() -> None:
    image = torch.arange(5.0).view(1, 1, 1, 5)
    torch.testing.assert_close(cell_means(image, 2).flatten(), torch.tensor([0.5, 2.5, 4.0]))

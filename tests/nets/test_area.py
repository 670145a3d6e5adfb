"""Area means, by pooling and by matrices as a traced network has them."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.nets.area import area_matrix, area_means

SIZES = [(1, 1), (5, 7), (96, 96), (97, 131), (400, 33)]


@pytest.mark.parametrize("cells", [(1, 1), (4, 3), (96, 48)])
def test_traced_means_are_those_of_pooling_at_any_size(cells: tuple[int, int]) -> None:
    def means(image: Tensor) -> Tensor:
        return area_means(image, cells)

    traced = torch.jit.trace(means, torch.rand(1, 2, 30, 50), check_trace=False)
    for size in SIZES:
        image = torch.rand(1, 2, *size)
        expected = F.adaptive_avg_pool2d(image, cells)
        assert torch.equal(means(image), expected)
        assert torch.allclose(traced(image), expected, atol=1e-6)


def test_a_matrix_by_hand() -> None:
    like = torch.zeros(1)
    assert area_matrix(4, 2, like).tolist() == [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]
    assert area_matrix(3, 2, like).tolist() == [[0.5, 0.5, 0], [0, 0.5, 0.5]]
    assert area_matrix(1, 3, like).tolist() == [[1], [1], [1]]

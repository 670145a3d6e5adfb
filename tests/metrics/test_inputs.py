import pytest
import torch

from restorect.metrics.inputs import eight_bit, rgb_batch, rgb_pair


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (torch.rand(3, 8, 8), r"\(B, 3, H, W\)"),
        (torch.rand(1, 1, 8, 8), r"\(B, 3, H, W\)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), "floating point"),
        (torch.rand(1, 3, 7, 9), "at least 8x8"),
        (torch.full((1, 3, 8, 8), float("nan")), "not finite"),
        (torch.full((1, 3, 8, 8), float("inf")), "not finite"),
    ],
)
def test_unusable_images_are_refused(image: torch.Tensor, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        rgb_batch(image, smallest=8)


def test_a_pair_has_one_shape_and_one_dtype() -> None:
    first, second = rgb_pair(torch.rand(1, 3, 4, 4).half(), torch.rand(1, 3, 4, 4).double())
    assert first.dtype == second.dtype == torch.float64
    with pytest.raises(ValueError, match="one shape"):
        rgb_pair(torch.rand(1, 3, 4, 4), torch.rand(1, 3, 4, 5))


def test_eight_bit_rounds_and_clips() -> None:
    assert eight_bit(torch.tensor([-0.1, 0.0, 0.4999 / 255, 0.5001 / 255, 1.0, 1.2])).tolist() == [0, 0, 0, 1, 255, 255]

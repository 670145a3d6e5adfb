import math

import pytest
import torch

from restorect.metrics.psnr import luma, psnr, psnr_y


def test_closed_form_per_sample() -> None:
    target = torch.zeros(3, 3, 12, 15)
    output = torch.stack([torch.full((3, 12, 15), level) for level in (0.1, 0.01, 1.0)])
    assert torch.allclose(psnr(output, target), torch.tensor([20.0, 40.0, 0.0]), atol=1e-4)


def test_identical_images_are_infinite() -> None:
    image = torch.rand(2, 3, 8, 8)
    assert psnr(image, image).tolist() == [math.inf, math.inf]
    assert psnr_y(image, image).tolist() == [math.inf, math.inf]


def test_data_range_scales_out() -> None:
    output, target = torch.rand(2, 3, 9, 9).double(), torch.rand(2, 3, 9, 9).double()
    assert torch.allclose(psnr(output * 255, target * 255, data_range=255.0), psnr(output, target))


def test_luma_is_bt601_limited_range() -> None:
    colours = torch.tensor([[0.0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    expected = torch.tensor([16.0, 235.0, 81.481, 144.553, 40.966]) / 255
    assert torch.allclose(luma(colours.view(5, 3, 1, 1)).flatten(), expected, atol=1e-6)


def test_luma_psnr_of_a_grey_error() -> None:
    output, target = torch.full((1, 3, 4, 4), 0.6), torch.full((1, 3, 4, 4), 0.5)
    expected = 20 - 20 * math.log10(219 / 255)  # limited range shrinks the error
    assert psnr_y(output, target).item() == pytest.approx(expected, abs=1e-3)


def test_half_precision_is_computed_in_float32() -> None:
    output, target = torch.rand(1, 3, 64, 64).half(), torch.rand(1, 3, 64, 64).half()
    measured = psnr(output, target)
    assert measured.dtype == torch.float32
    assert torch.equal(measured, psnr(output.float(), target.float()))


@pytest.mark.parametrize(
    ("output", "target", "options"),
    [
        (torch.rand(1, 3, 4, 4), torch.rand(1, 3, 4, 5), {}),
        (torch.rand(3, 4, 4), torch.rand(3, 4, 4), {}),
        (torch.zeros(1, 3, 4, 4, dtype=torch.uint8), torch.zeros(1, 3, 4, 4, dtype=torch.uint8), {}),
        (torch.rand(1, 3, 4, 4), torch.rand(1, 3, 4, 4), {"data_range": 0.0}),
    ],
    ids=["shapes", "no batch", "integers", "range"],
)
def test_unusable_input_is_refused(output: torch.Tensor, target: torch.Tensor, options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"shape|floating|data_range"):
        psnr(output, target, **options)


def test_luma_needs_three_channels() -> None:
    with pytest.raises(ValueError, match="3 channels"):
        psnr_y(torch.rand(1, 1, 4, 4), torch.rand(1, 1, 4, 4))

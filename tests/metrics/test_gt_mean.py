"""GT-mean, in closed form."""

import torch

from restorect.metrics.gt_mean import gt_mean
from restorect.metrics.psnr import psnr


def image(seed: int, side: int = 40) -> torch.Tensor:
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 0.5 + 0.1


def test_gt_mean_forgives_a_factor_and_nothing_else() -> None:
    target = image(0)
    output, same = gt_mean(0.5 * target, target)
    assert same is target
    torch.testing.assert_close(output, target)
    torch.testing.assert_close(gt_mean(target, target)[0], target)
    noisy = (target + 0.05 * torch.randn(target.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1)
    assert float(psnr(gt_mean(0.5 * noisy, target)[0], target)) < 30


def test_gt_mean_brings_the_grey_mean_to_the_target_s_where_nothing_clips() -> None:
    output, target = 0.3 * image(2), image(3)
    grey = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    shifted, _ = gt_mean(output, target)
    assert shifted.max() < 1
    torch.testing.assert_close((shifted * grey).sum(1).mean(), (target * grey).sum(1).mean())


def test_gt_mean_clips_and_leaves_black_black() -> None:
    target = image(4)
    assert torch.equal(gt_mean(torch.zeros_like(target), target)[0], torch.zeros_like(target))
    spot = torch.zeros_like(target)
    spot[..., 0, 0] = 0.5
    assert gt_mean(spot, target)[0].max() == 1


def test_each_output_of_a_batch_is_scaled_by_itself() -> None:
    targets = torch.cat([image(5), image(6)])
    scaled, _ = gt_mean(targets * torch.tensor([0.25, 0.75]).view(2, 1, 1, 1), targets)
    torch.testing.assert_close(scaled, targets)

"""Validation: PSNR and SSIM of whole photographs, RGB, full resolution, no shift (METHOD 10, protocol rgb-full)."""

from collections import defaultdict
from collections.abc import Callable

import torch
from torch import Tensor

from restorect.data.store import PairStore
from restorect.metrics.gt_mean import gt_mean
from restorect.metrics.psnr import psnr
from restorect.metrics.ssim import ssim

PROTOCOL = "rgb-full"


@torch.no_grad()
def validate(predict: Callable[[Tensor, Tensor], Tensor], pairs: PairStore) -> dict[str, float]:
    """Mean and spread over the photographs, together and by source.

    Args:
        predict: (low, high), both (1, 3, H, W), to the restored image.
        pairs: held-out pairs.

    Returns:
        "psnr", "ssim", "psnr_std", "ssim_std"; "psnr_gtmean" and "ssim_gtmean" of the outputs scaled to the truth's
        mean; "psnr_fused" and "ssim_fused" towards the second references, over the photographs that have one; where
        there are several sources, "psnr_SOURCE", "ssim_SOURCE" for those of several photographs. Outputs are rounded
        to 8 bit first, as a written file is.
    """
    together: dict[str, list[Tensor]] = defaultdict(list)
    sources: dict[str, list[Tensor]] = defaultdict(list)
    for number, pair in enumerate(pairs.pairs):
        low, high = (_image(image) for image in pairs[number])
        output = predict(low, high).float().clamp(0, 1)
        plain = _figures(output, high)
        together[""].append(plain)
        together["_gtmean"].append(_figures(*gt_mean(output, high)))
        sources[f"_{pair.source}"].append(plain)
        fused = pairs.fused(number)
        if fused is not None:
            together["_fused"].append(_figures(output, _image(fused)))
    std = torch.stack(together[""]).std(dim=0, unbiased=False)
    several = {source: rows for source, rows in sources.items() if len(rows) > 1 and len(sources) > 1}
    return _named({name: torch.stack(rows).mean(dim=0) for name, rows in (several | together).items()} | {"_std": std})


def _named(figures: dict[str, Tensor]) -> dict[str, float]:
    return {
        f"{metric}{name}": float(value)
        for name, row in figures.items()
        for metric, value in zip(("psnr", "ssim"), row, strict=True)
    }


def _image(pixels: Tensor) -> Tensor:
    return pixels[None].float() / 255


def _figures(output: Tensor, truth: Tensor) -> Tensor:
    """PSNR and SSIM of the output as a file of 8 bit has it."""
    output = (output * 255).round() / 255
    # Identical images would be infinitely good and drown all others.
    return torch.stack([psnr(output, truth).clamp(max=100.0)[0], ssim(output, truth)[0]])

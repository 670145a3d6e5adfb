"""Validation: PSNR and SSIM of whole photographs, RGB, full resolution, no shift (METHOD 10, protocol rgb-full)."""

from collections import defaultdict
from collections.abc import Callable

import torch
from torch import Tensor

from restorect.data.store import PairStore
from restorect.infer.fundus import keep_safe
from restorect.metrics.psnr import psnr
from restorect.metrics.ssim import ssim

PROTOCOL = "rgb-full"


@torch.no_grad()
def validate(predict: Callable[[Tensor, Tensor], Tensor], pairs: PairStore, task: str = "") -> dict[str, float]:
    """Mean and spread over the photographs, together and by source (what stands before "-" in a name).

    Args:
        predict: (low, high), both (1, 3, H, W), to the restored image.
        pairs: held-out pairs.
        task: of the network. Retinas keep what lies outside the field of view, as they do when they are restored.

    Returns:
        "psnr", "ssim", "psnr_std", "ssim_std", and where there are several sources, "psnr_SOURCE", "ssim_SOURCE" for
        those of several photographs. Outputs are rounded to 8 bit first, as a written file is.
    """
    figures: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for number, name in enumerate(pairs.names):
        low, high = (image[None].float() / 255 for image in pairs[number])
        output = predict(low, high).float()
        if task == "fundus":
            output = keep_safe(low, output)
        output = (output.clamp(0, 1) * 255).round() / 255
        # Identical images would be infinitely good and drown all others.
        figures[name.partition("-")[0]].append((min(float(psnr(output, high)), 100.0), float(ssim(output, high))))
    together = torch.tensor([row for rows in figures.values() for row in rows])
    mean, std = together.mean(dim=0), together.std(dim=0, unbiased=False)
    result = {"psnr": float(mean[0]), "ssim": float(mean[1]), "psnr_std": float(std[0]), "ssim_std": float(std[1])}
    if len(figures) > 1:
        for source, rows in ((source, rows) for source, rows in figures.items() if len(rows) > 1):
            part = torch.tensor(rows).mean(dim=0)
            result |= {f"psnr_{source}": float(part[0]), f"ssim_{source}": float(part[1])}
    return result

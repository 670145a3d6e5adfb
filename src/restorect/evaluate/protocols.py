"""What exactly is compared with what: named, versioned protocols, printed with every figure (METHOD 10).

Shapes: output and target (1, 3, H, W), sRGB-encoded in [0, 1]; target None where there is no ground truth.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.errors import ConfigError
from restorect.metrics.gt_mean import gt_mean
from restorect.metrics.psnr import luma

Prepare = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
_AUTHORS_SIDE = 256
_FLAT = 1e-6


@dataclass(frozen=True, kw_only=True)
class View:
    """One way of looking at an output beside its ground truth; each view gives its own columns.

    Attributes:
        suffix: of the column names, "" for the main columns.
        prepare: brings (output, target) to what the metrics see; None leaves them as they are.
        references_only: only metrics with a reference are computed in this view.
    """

    suffix: str = ""
    prepare: Prepare | None = None
    references_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A way of measuring, whose name and version go with every figure.

    Attributes:
        name: as given on the command line.
        version: raised whenever a figure would change.
        summary: one sentence for reports.
        comparable: whether figures may be compared with those of other methods' honest protocols.
        views: the first one gives the main columns.
        metrics: names of the only metrics it is defined for; None for all.
    """

    name: str
    version: int
    summary: str
    comparable: bool
    views: tuple[View, ...]
    metrics: tuple[str, ...] | None = None

    @property
    def label(self) -> str:
        """Name and version, for example "rgb-full/1"."""
        return f"{self.name}/{self.version}"


def authors(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """What METHOD 10 says of the authors' stored figures: 256x256, Y of BT.601, shifted to the truth's mean and std.

    The order (resize, Y, shift) and the resampling (bilinear, antialiased) are ours; the text names only the parts.

    Returns:
        Output and target as (1, 1, 256, 256).
    """
    side = (_AUTHORS_SIDE, _AUTHORS_SIDE)
    small = (F.interpolate(image, side, mode="bilinear", antialias=True) for image in (output, target))
    y_output, y_target = (luma(image) for image in small)
    spread = y_output.std(correction=0)
    flat = bool(spread <= _FLAT)  # what spread there is, is rounding
    gain = torch.ones_like(spread) if flat else y_target.std(correction=0) / spread
    shifted = (y_output - y_output.mean()) * gain + y_target.mean()
    return shifted.clamp(0, 1), y_target


_RGB_FULL = "whole test list, RGB, full resolution, no border crop, no shift towards the ground truth"

PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(name="rgb-full", version=1, summary=_RGB_FULL, comparable=True, views=(View(),)),
        Protocol(
            name="rgb-full+gtmean",
            version=1,
            summary=f"{_RGB_FULL}; in extra columns, the output scaled to the ground truth's mean brightness",
            comparable=True,
            views=(View(), View(suffix="_gtmean", prepare=gt_mean, references_only=True)),
        ),
        Protocol(
            name="y-256-authors",
            version=1,
            summary=(
                "resized to 256x256, Y of BT.601, shifted to the ground truth's mean and standard deviation: an upper "
                "reference for the authors' stored figures, not comparable with any other"
            ),
            comparable=False,
            views=(View(prepare=authors, references_only=True),),
            metrics=("psnr", "ssim"),
        ),
    )
}


def find_protocol(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in PROTOCOLS:
        raise ConfigError(f"protocol {name!r} is unknown; choose one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]

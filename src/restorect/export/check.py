"""Whether exported graphs give what torch gives, whole photographs and parts, at other sizes than they were traced at.

Shapes: images (1, 3, H, W) in [0, 1]; noise and codes (1, 512).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.errors import ExportError
from restorect.export.extra import needed
from restorect.export.graphs import apart
from restorect.nets.blocks import CODE_SIZE
from restorect.nets.thumbnail import THUMBNAIL, view_of
from restorect.render.restoration import Restoration

SIZES = ((96, 96), (97, 131), (333, 35), (7, 5), (400, 603))
BOUND = 1e-4
HALF_BOUND = 2e-2
"""For weights stored as float16, which keep 11 bits: five values of 255."""


def largest_difference(
    network: Restoration, models: Mapping[str, bytes], sides: tuple[int, int] | None, *, parts: bool = True
) -> float:
    """How far the graphs are from torch at most, over five photographs.

    Args:
        network: that they were made of; with fusion, if that is among them.
        models: ONNX files by their parts.
        sides: the only ones that the decoder takes; None for any.
        parts: whether the decoder is for parts of photographs too.

    Raises:
        ExportError: onnxruntime cannot run them.
    """
    try:
        graphs = {part: _session(model) for part, model in models.items()}
        sizes = SIZES if sides is None else (sides,) * len(SIZES)
        return max(_difference(network, graphs, size, seed, parts=parts) for seed, size in enumerate(sizes))
    except ExportError:
        raise
    except Exception as error:  # onnxruntime has its own kinds, all of them children of this
        reason = " ".join(str(error).split())[:300]
        raise ExportError(f"onnxruntime cannot run the exported graphs ({reason}); nothing was written") from error


def _session(model: bytes) -> Any:  # noqa: ANN401
    runtime = needed("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _difference(
    restoration: Restoration, graphs: Mapping[str, Any], size: tuple[int, int], seed: int, *, parts: bool
) -> float:
    photo = picture(size, seed)
    thumbnail = view_of(photo, THUMBNAIL)
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(1, 2 * CODE_SIZE, generator=generator) * (seed % 2)  # and the mean, in turn
    codes, exposure = graphs["encoder"].run(None, {"thumbnail": thumbnail.numpy(), "noise": noise.numpy()})
    worst = 0.0
    for whole, expected in enumerate(_expected(restoration, photo, thumbnail, noise)):
        if not (whole or parts):
            continue
        exposure[:, 1] = whole
        (found,) = graphs["decoder"].run(None, {"input": photo.numpy(), "codes": codes, "exposure": exposure})
        if "fusion" in graphs:
            (found,) = graphs["fusion"].run(None, {"input": photo.numpy(), "restored": found})
        if found.shape != tuple(expected.shape):
            raise ExportError(f"the exported graphs give {found.shape} of a photo of {tuple(photo.shape)}")
        worst = max(worst, float(np.nan_to_num(np.abs(found - expected.numpy()), nan=np.inf).max()))
    return worst


def _expected(restoration: Restoration, photo: Tensor, thumbnail: Tensor, noise: Tensor) -> Sequence[Tensor]:
    """By torch: with the curve of the thumbnail's restoration, and with the photograph's own."""
    conditions = restoration.read(photo)
    codes = restoration.student.generate(conditions, apart(noise))
    scene = restoration.scene(photo)
    curve = restoration.scene(thumbnail, restoration.mean(conditions)).curve
    scenes = (scene._replace(curve=curve), scene)
    return [restoration.restore(each, codes).clamp(0, 1) for each in scenes]


def picture(size: tuple[int, int], seed: int) -> Tensor:
    """(1, 3, H, W) in [0, 1]: soft colours with edges and grain, from dark to bright with the seed, lights in it."""
    generator = torch.Generator().manual_seed(seed)
    soft = F.interpolate(torch.rand(1, 3, 6, 8, generator=generator), size, mode="bicubic")
    blocks = F.interpolate(torch.rand(1, 1, 9, 7, generator=generator), size)
    grain = 0.02 * torch.randn(1, 3, *size, generator=generator)
    light = (0.08 + 0.15 * seed) * (0.5 + blocks)
    lamps = (blocks > 0.95).float()
    return (soft * light + grain + lamps).clamp(0, 1)

"""Area means: what each cell of a grid over an image shows on average.

Shapes: image_BCHW, matrices (cells, pixels).
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def area_means(image: Tensor, cells: tuple[int, int]) -> Tensor:
    """(B, C, H, W) to (B, C, n, m): cell i is the mean of rows floor(i H / n) to ceil((i + 1) H / n), as of columns.

    Cells of a side that they do not divide overlap by a pixel.
    """
    traced = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    if traced:  # ONNX has no pooling whose windows go with the image's sides
        rows, columns = area_matrix(image.shape[-2], cells[0], image), area_matrix(image.shape[-1], cells[1], image)
        return rows @ image @ columns.T
    return F.interpolate(image, size=cells, mode="area")


def area_matrix(size: int, cells: int, like: Tensor) -> Tensor:
    """The same along one side as a matrix (cells, size), of the type of `like`."""
    cell, pixel = torch.arange(cells, device=like.device)[:, None], torch.arange(size, device=like.device)
    inside = (pixel >= cell * size // cells) & (pixel < ((cell + 1) * size + cells - 1) // cells)
    shares = inside.to(like.dtype)
    return shares / shares.sum(dim=1, keepdim=True)

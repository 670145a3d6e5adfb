"""How far several restorations of one photograph lie apart: an image of doubt.

Shapes: images (..., C at `axis`, ...), all alike; the map lacks that axis. Arrays and tensors alike.
"""

from collections.abc import Iterable
from typing import Any

WHITE = 0.5
"""Spread that a map's white stands for: the largest there can be between values from 0 to 1."""
SAMPLES = 8
"""Restorations that a map is made of unless told otherwise."""


def spread(images: Iterable[Any], axis: int) -> Any:  # noqa: ANN401 - arrays give an array, tensors a tensor
    """Standard deviation of each pixel over the images (divided by their number), root mean square over the channels.

    Running sums after Welford (Technometrics 4, 1962): only one image is held beside them.

    Args:
        images: at least one, floats.
        axis: of the channels.
    """
    count, mean, squares = 0, 0.0, 0.0
    for image in images:
        count += 1
        away = image - mean
        mean = mean + away / count
        squares = squares + away * (image - mean)
    return (squares / count).mean(axis) ** 0.5  # type: ignore[attr-defined]

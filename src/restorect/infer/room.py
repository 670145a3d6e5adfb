"""Whether a photograph that Python code hands to networks fits into memory: asked before anything is done with it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from restorect.auto.decision import AUTO
from restorect.infer.arrays import sides_of
from restorect.infer.fitting import Need, fast_words
from restorect.infer.free_memory import available_bytes, refuse_above, usable
from restorect.infer.options import Options
from restorect.render.small import small_sides

_FLOATS = 3 * 4  # bytes of a float32 pixel
_MAPS = 3  # float32 pictures held while the spread of samples is summed up
_LOOK = 3 * _FLOATS  # bytes a pixel while `auto` looks at an array that is no float32 picture


@dataclass(frozen=True, kw_only=True)
class _Sides:
    height: int
    width: int


def check_room(
    image: NDArray[Any] | Tensor, options: Options, *, task: str, maps: Callable[[int, int, int], int]
) -> None:
    """Refuse a photograph, or a batch of tensors, whose restoration would not fit into memory.

    What is no image passes, since it is refused for that where it is read; results on a GPU are not counted.

    Args:
        image: as it came.
        options: how it is to be restored.
        task: of the networks, or "auto".
        maps: bytes of this machine's memory that the networks take for photographs of a height and a width, so many
            of them.

    Raises:
        ImageError: it does not fit; the line names the size that would, and fast mode where that would do.
    """
    sides = sides_of(image)
    if sides is None or options.strength == 0:
        return
    count = len(image) if image.ndim == 4 else 1
    kept = _kept_bytes(image, options) / (sides[0] * sides[1])
    look = _LOOK if task == AUTO and image.dtype != np.float32 else 0

    def needed(size: _Sides, *, fast: bool = options.fast) -> int:
        seen = small_sides(size.height, size.width) if fast else (size.height, size.width)
        pixels = size.height * size.width
        return max(int(kept * pixels) + maps(*seen, count), look * pixels)

    need = Need(
        info=_Sides(height=sides[0], width=sides[1]),
        at=needed,
        fast=lambda size: needed(size, fast=True),
        fast_words=lambda: "" if options.fast else fast_words(task, "fast=True"),
    )
    refuse_above(usable(available_bytes()), need.bytes, need.remedy)


def _kept_bytes(image: NDArray[Any] | Tensor, options: Options) -> int:
    """The results, beside what the networks take."""
    if isinstance(image, Tensor) and image.device.type != "cpu":
        return 0
    maps = image.nbytes // image.dtype.itemsize * 4 * _MAPS if options.uncertainty else 0
    return image.nbytes * options.samples + maps

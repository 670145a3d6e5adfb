"""Padding by reflection of images that are read by rows, as `nets.padding` pads whole ones.

Shapes: rows (1, C, n, W).
"""

from torch import Tensor

from restorect.nets.padding import reflect_index
from restorect.render.rows import Rows


def padded(image: Rows, multiple: int) -> Rows:
    """The image with right and bottom reflected, so that both sides divide by `multiple`."""
    height, width = (-(-side // multiple) * multiple for side in (image.height, image.width))
    down, across = reflect_index(image.height, height), reflect_index(image.width, width)

    def read(first: int, last: int) -> Tensor:
        if last <= image.height:
            rows = image.read(first, last)
        else:
            wanted = down[first:last]
            begin = int(wanted.min())
            rows = image.read(begin, int(wanted.max()) + 1)
            rows = rows.index_select(2, (wanted - begin).to(rows.device))
        return rows if width == image.width else rows.index_select(3, across.to(rows.device))

    return Rows(height, width, read)

"""The field of view of a fundus photograph: the lit disc within the black frame; arrays do without torch."""

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

_DARK = 0.09  # of the encoded range: frames of IDRiD, DRIVE, CHASE_DB1 and EyeQ stay below, lit retina above
_SMALLEST_FRAME = 0.003  # share of the picture: less darkness than this at the border is no frame


def field_of_view(image_CHW: "Tensor") -> "Tensor":
    """Find the field of view: everything but the darkness that touches the picture's border.

    Dark lesions and vessels inside stay inside. A crop from within the disc has no frame: all of it is field of view;
    so has a picture without any light.

    Args:
        image_CHW: (3, H, W), sRGB-encoded, in [0, 1]; on any device (the search itself runs on the CPU).

    Returns:
        (1, H, W) bool on the image's device.
    """
    import torch

    brightest = image_CHW.detach().amax(dim=0).cpu().numpy()
    return torch.from_numpy(lit_field(darkness(brightest)))[None].to(image_CHW.device)


def darkness(brightest_HW: NDArray[np.float32]) -> NDArray[np.uint8]:
    """1 where the brightest channel, blurred over 3x3 pixels, is as dark as a frame; elsewhere 0."""
    return (cv2.blur(brightest_HW, (3, 3)) < _DARK).astype(np.uint8)


def lit_field(dark_HW: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The field of view of a picture that is dark in these places."""
    count, labels = cv2.connectedComponents(dark_HW, connectivity=4)
    in_frame = np.zeros(count, bool)
    for border in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        in_frame[border] = True
    in_frame[0] = False  # what is not dark
    inside = _largest(~in_frame[labels])
    if not inside.any() or (~inside).sum() < _SMALLEST_FRAME * inside.size:
        inside = np.ones_like(inside)
    return inside


def depth_inside(field_1HW: "Tensor") -> "Tensor":
    """Distance of each pixel of the field of view to its rim, in pixels, (1, H, W) float32; 0 outside.

    The picture's own border is no rim; without any rim the distance is infinite.
    """
    import torch

    inside = field_1HW[0].cpu().numpy().astype(np.uint8)
    if inside.all():
        return torch.full(field_1HW.shape, torch.inf, device=field_1HW.device)
    return torch.from_numpy(cv2.distanceTransform(inside, cv2.DIST_L2, 3))[None].to(field_1HW.device)


def _largest(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected part, so that text and logos in the frame do not count; its holes are kept as they are."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=4)
    if count <= 2:
        return inside
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])))

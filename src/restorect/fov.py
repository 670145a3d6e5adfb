"""The field of view of a fundus photograph: the lit disc within the black frame."""

import cv2
import numpy as np
import torch
from torch import Tensor

_DARK = 0.09  # of the encoded range: frames of IDRiD, DRIVE, CHASE_DB1 and EyeQ stay below, lit retina above
_SMALLEST_FRAME = 0.003  # share of the picture: less darkness than this at the border is no frame


def field_of_view(image_CHW: Tensor) -> Tensor:
    """Find the field of view: everything but the darkness that touches the picture's border.

    Dark lesions and vessels inside stay inside. A crop from within the disc has no frame: all of it is field of view;
    so has a picture without any light.

    Args:
        image_CHW: (3, H, W), sRGB-encoded, in [0, 1]; on any device (the search itself runs on the CPU).

    Returns:
        (1, H, W) bool on the image's device.
    """
    height, width = image_CHW.shape[-2:]
    brightest = image_CHW.detach().amax(dim=0).cpu().numpy()
    dark = (cv2.blur(brightest, (3, 3)) < _DARK).astype(np.uint8)
    _, labels = cv2.connectedComponents(dark, connectivity=4)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    frame = np.isin(labels, np.unique(border[border > 0]))
    inside = _largest(~frame)
    if not inside.any() or (~inside).sum() < _SMALLEST_FRAME * height * width:
        inside = np.ones_like(inside)
    return torch.from_numpy(inside)[None].to(image_CHW.device)


def depth_inside(field_1HW: Tensor) -> Tensor:
    """Distance of each pixel of the field of view to its rim, in pixels, (1, H, W) float32; 0 outside.

    The picture's own border is no rim; without any rim the distance is infinite.
    """
    inside = field_1HW[0].cpu().numpy().astype(np.uint8)
    if inside.all():
        return torch.full(field_1HW.shape, torch.inf, device=field_1HW.device)
    return torch.from_numpy(cv2.distanceTransform(inside, cv2.DIST_L2, 3))[None].to(field_1HW.device)


def _largest(inside: np.ndarray) -> np.ndarray:
    """The largest connected part, so that text and logos in the frame do not count; its holes are kept as they are."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=4)
    if count <= 2:
        return inside
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])))

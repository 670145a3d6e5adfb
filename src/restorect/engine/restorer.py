"""`OnnxRestorer`: as `Restorer`, for what the command asks of it, without torch.

Shapes: photographs (H, W, 3) float32, sRGB-encoded with black 0 and white 1; graphs NCHW.
"""

from typing import Literal

import numpy as np

from restorect.engine.graphs import Graphs
from restorect.engine.limits import REMEDY, check_options, check_size
from restorect.engine.steps import Floats, area_means, blended, brightened, kept_outside
from restorect.errors import ConfigError, ImageError
from restorect.infer.options import Options, Restored

_THUMBNAIL, _CODES = 96, 512
_FIXED_BYTES, _BYTES_A_PIXEL = 150 * 2**20, 1000  # `nano` was measured at 540 a pixel, `small`, the widest, at 700


class OnnxRestorer:
    """The graphs of one network, and what a photograph needs around them.

    Attributes: `task`, `size`, `weights_hash`, `device`, `precision`, `engine`, `default_steps`.

    Args:
        graphs: as `load_graphs` gives them.

    Raises:
        ConfigError: by default the network restores from noise.
    """

    device, precision = "cpu", "float32"
    engine: Literal["onnx"] = "onnx"

    def __init__(self, graphs: Graphs) -> None:
        card = graphs.card
        if card.start != "mean":
            raise ConfigError(f"weights of {card.task} {card.size} start from noise, which torch alone draws; {REMEDY}")
        self._graphs = graphs
        self.task, self.size, self.weights_hash = card.task, card.size, card.weights
        self.default_steps = card.steps

    def restore(self, image: Floats, options: Options) -> Restored:
        """Restore one photograph.

        Raises:
            ConfigError: an option is not for this engine.
            ImageError: the image has another shape or type, has NaN in it, or is too large.
        """
        check_options(options)
        safe = "field-of-view" in self._graphs.card.omitted
        if safe and options.brightness:
            raise ConfigError(
                f"--brightness: --engine onnx has it not for photos of retinas; leave it out, or {REMEDY}"
            )
        if image.dtype != np.float32 or image.shape[2:] != (3,) or not np.isfinite(image.sum(dtype=np.float64)):
            raise ImageError(f"expected finite float32 pixels (H, W, 3), got {image.dtype} {image.shape}")
        check_size(*image.shape[:2])
        if options.strength == 0:
            return Restored(images=[image.copy()])
        photo = image.clip(0, 1)
        output = self._run(photo, options)
        if options.brightness:
            output = brightened(output, options.brightness)
        if safe:
            output = kept_outside(photo, output)
        # What lies outside [0, 1] never passed the network, and is added back.
        return Restored(images=[blended(photo, output, options.strength) + (image - photo)], by=self)

    def _run(self, photo: Floats, options: Options) -> Floats:
        """The graphs."""
        planes = np.ascontiguousarray(photo.transpose(2, 0, 1)[None])
        noise = np.zeros((1, _CODES), np.float32)
        codes, exposure = self._graphs.run("encoder", thumbnail=area_means(planes, _THUMBNAIL), noise=noise)
        (output,) = self._graphs.run("decoder", input=planes, codes=codes, exposure=exposure)
        if options.style == "natural" and "fusion" in self._graphs.sessions:
            (output,) = self._graphs.run("fusion", input=planes, restored=output)
        return np.ascontiguousarray(output[0].transpose(1, 2, 0))

    def peak_bytes(self, height: int, width: int) -> int:
        """Estimate of the memory that restoring a photograph of this size takes, in bytes."""
        return peak_bytes(height, width)


def peak_bytes(height: int, width: int) -> int:
    """The same of any network.

    Raises:
        ImageError: the photograph is too large.
    """
    check_size(height, width)
    return _FIXED_BYTES + _BYTES_A_PIXEL * height * width

"""`Restorer`: a photograph in, a restored photograph out.

Shapes: arrays HWC, tensors BCHW; float values are sRGB-encoded with black 0 and white 1.
"""

from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restorect.configs import require
from restorect.data.degrade.camera import linear_to_srgb, srgb_to_linear
from restorect.devices import find_device
from restorect.errors import ImageError
from restorect.infer.catalogue import shipped_weights
from restorect.nets.checkpoint import Card, file_hash, load_student
from restorect.nets.student import Start, Student
from restorect.nets.transformer import TransformerConfig

Image = TypeVar("Image", NDArray[Any], Tensor)
_WHITE = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0, np.dtype(np.float32): 1.0}


class Restorer:
    """A student network around which everything a photograph needs is arranged.

    Made by `Restorer.load`. Attributes: `task`, `size`, `card`, `weights_hash`, `network`, `device`.
    """

    def __init__(self, network: Student, card: Card, weights_hash: str, device: torch.device) -> None:
        self.network = network.to(device).eval().requires_grad_(False)
        self.card, self.weights_hash, self.device = card, weights_hash, device
        self.task, self.size = card.task, card.preset

    @classmethod
    def load(
        cls,
        task: str = "low-light",
        size: str = "tiny",
        *,
        device: str = "cpu",
        weights: Path | str | None = None,
        threads: int | None = None,
    ) -> "Restorer":
        """Load shipped weights, or a checkpoint of one's own.

        Args:
            task: what to restore, for example "low-light"; not looked at when `weights` is given.
            size: "tiny" or "nano"; not looked at when `weights` is given.
            device: "cpu", "cuda", "cuda:1", "mps" or "auto".
            weights: path of a student checkpoint.
            threads: CPU threads of torch, for the whole process; None leaves them as they are.

        Raises:
            CheckpointError: there are no such weights, or they are unusable.
            DeviceError: there is no such device.
        """
        if threads is not None:
            require(threads >= 1, f"threads is {threads}; it must be at least 1")
            torch.set_num_threads(threads)
        path = Path(weights) if weights is not None else shipped_weights(task, size)
        network, card = load_student(path)
        return cls(network, card, file_hash(path), find_device(device))

    @property
    def default_steps(self) -> int:
        """Steps of the flow when none are asked for."""
        return self.network.config.steps

    @torch.no_grad()
    def __call__(
        self,
        image: Image,
        *,
        strength: float = 1.0,
        seed: int = 0,
        samples: int = 1,
        steps: int | None = None,
        start: Start | None = None,
    ) -> Image | list[Image]:
        """Restore one photograph (or a batch of tensors).

        Args:
            image: an array (H, W, 3) or (H, W) of uint8, uint16 or float32, or a float tensor (3, H, W) or
                (B, 3, H, W). Floats are sRGB-encoded, 0 to 1; what lies outside is carried past the network.
            strength: 0 returns the image, 1 the full restoration, between them a blend in linear light.
            seed: of the flow's noise; the same seed, image and machine give the same result.
            samples: how many restorations to give, each from noise of its own.
            steps: of the flow; None for the network's default.
            start: "noise" or "mean"; None for the network's default, or "noise" for several samples.

        Returns:
            An image of the same kind, shape and type; for `samples` above 1 a list, from darker to brighter.

        Raises:
            ConfigError: an option is out of range.
            ImageError: the image has another shape or type, or NaN in it.
        """
        require(0 <= strength <= 1, f"strength is {strength}; it must be from 0 to 1")
        require(samples >= 1, f"samples is {samples}; it must be at least 1")
        require(steps is None or steps >= 1, f"steps is {steps}; it must be at least 1")
        require(start in (None, "noise", "mean"), f"start is {start!r}; choose noise or mean")
        require(0 <= seed and seed + samples <= 2**63, f"seed is {seed}; it must be from 0 to below 2^63")
        tensor = _to_tensor(image).to(self.device)
        if strength == 0:
            copies = [image.clone() if isinstance(image, Tensor) else image.copy() for _ in range(samples)]
            return copies if samples > 1 else copies[0]
        if samples > 1:
            start = start or "noise"  # the mean has but one
        starts = [self.network.start(len(tensor), start, seed + number) for number in range(samples)]
        inside = tensor.clamp(0, 1)
        outputs = [self.network(inside, s, steps).image.float().clamp(0, 1) for s in starts]
        # What lies outside [0, 1] never passed the network; it is added back at the end.
        outputs = [_blend(inside, output, strength) + (tensor - inside) for output in _dark_to_bright(outputs)]
        images = [cast(Image, _like(image, output)) for output in outputs]
        return images if samples > 1 else images[0]

    def peak_bytes(self, height: int, width: int) -> int:
        """Estimate of the memory that restoring a photograph of this size takes, in bytes."""
        return peak_bytes(self.network.config.transformer, height, width)


def peak_bytes(config: TransformerConfig, height: int, width: int) -> int:
    """Estimate of the memory that one forward pass takes, in bytes.

    The widest moment is the feed-forward net at the top of the decoder, 2 dim channels: its hidden maps before and
    after the depthwise convolution, beside the skips. On top come the libraries' workspace and holes in
    the heap, which stop growing once every map is large enough to be handed back to the system. Measured on a CPU with
    tiny and nano at 1, 4 and 12 megapixels, the estimate is 1.0 to 1.4 times the real peak.
    """
    workspace, largest_hole = 112 * 2**20, 4e6
    pixels = (-(-height // config.multiple) * config.multiple) * (-(-width // config.multiple) * config.multiple)
    features = config.dim * (2 * 2 * 2 * config.expansion * 1.5 + 12) / config.stem**2
    images = 3 * (8 + (4 if config.gain else 2))
    grown = 0.75 * pixels + 0.25 * min(pixels, largest_hole)
    return workspace + int(grown * 4 * (features + images))


def _to_tensor(image: NDArray[Any] | Tensor) -> Tensor:
    """(B, 3, H, W) float32 with white at 1."""
    if not isinstance(image, Tensor | np.ndarray):
        raise ImageError(f"expected a numpy array or a torch tensor, got {type(image).__name__}")
    if isinstance(image, Tensor):
        tensor = image[None] if image.ndim == 3 else image
        if tensor.ndim != 4 or tensor.shape[1] != 3 or not tensor.is_floating_point():
            raise ImageError(f"expected a float tensor (B, 3, H, W), got {image.dtype} {tuple(image.shape)}")
        tensor = tensor.float()
    else:
        if image.dtype not in _WHITE:
            raise ImageError(f"expected uint8, uint16 or float32 pixels, got {image.dtype}; convert the array first")
        array = np.repeat(image[:, :, None], 3, axis=2) if image.ndim == 2 else image
        if array.ndim != 3 or array.shape[2] != 3:
            raise ImageError(f"expected an array (H, W, 3) or (H, W), got shape {image.shape}")
        scaled = array.astype(np.float32) / np.float32(_WHITE[image.dtype])
        tensor = torch.from_numpy(scaled).permute(2, 0, 1)[None]
    if 0 in tensor.shape:
        raise ImageError(f"expected an image with pixels in it, got shape {tuple(image.shape)}")
    if not bool(torch.isfinite(tensor).all()):
        raise ImageError("the image holds NaN or infinite values; repair them first")
    return tensor


def _blend(image: Tensor, output: Tensor, strength: float) -> Tensor:
    """Blend in linear light, where half of two exposures is what a camera would have seen."""
    if strength == 1:
        return output
    return linear_to_srgb((1 - strength) * srgb_to_linear(image) + strength * srgb_to_linear(output))


def _dark_to_bright(outputs: list[Tensor]) -> list[Tensor]:
    """Order the samples of each image of a batch by their mean."""
    if len(outputs) == 1:
        return outputs
    stacked = torch.stack(outputs)
    order = stacked.mean(dim=(2, 3, 4)).argsort(dim=0)
    return [stacked[place, torch.arange(stacked.shape[1])] for place in order]


def _like(image: NDArray[Any] | Tensor, output: Tensor) -> NDArray[Any] | Tensor:
    """The output in the kind, shape, type and place of the image."""
    if isinstance(image, Tensor):
        return output.reshape(image.shape).to(image.device, image.dtype)
    array = output[0].permute(1, 2, 0).cpu().numpy()
    if image.ndim == 2:
        array = array @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
    if image.dtype == np.float32:
        return np.ascontiguousarray(array, dtype=np.float32)
    white = _WHITE[image.dtype]
    return np.ascontiguousarray(np.round(np.clip(array, 0, 1) * white).astype(image.dtype))

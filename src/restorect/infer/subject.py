"""A photograph in front of a network: whole, or by rows where that would take too much memory.

Shapes: arrays HWC, tensors BCHW; float values are sRGB-encoded with black 0 and white 1; codes (B, 256).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Generic, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restorect.bands.memory import in_bands
from restorect.colour import linear_to_srgb, srgb_to_linear
from restorect.infer.arrays import Image, like, sides_of, to_tensor
from restorect.infer.options import Options
from restorect.nets.codes import Codes
from restorect.render.restoration import Restoration
from restorect.render.rows import Rows
from restorect.render.step import RowScene, Scene


class Subject(ABC, Generic[Image]):
    """One photograph, or a batch of tensors. Call `look` before anything is restored.

    Attributes:
        count: of photographs.
    """

    count: int

    @abstractmethod
    def read(self) -> Codes:
        """The conditions of the photographs."""

    @abstractmethod
    def look(self, mean: Codes | None) -> None:
        """Look at what steps need; `mean` as for `Restoration.scene`."""

    @abstractmethod
    def restored(self, codes: Codes, options: Options) -> Tensor:
        """(B, 3, H, W) float32, white at 1; strength and brightness are those of the options."""

    @abstractmethod
    def image(self, codes: Codes, options: Options) -> tuple[Image, Tensor]:
        """The same in the kind, shape and type of the photograph, and how bright each is on average, (B,)."""


def subject_of(network: Restoration, image: Image, device: torch.device, dtype: torch.dtype) -> Subject[Image]:
    """The photograph as it is to be restored.

    Args:
        network: that restores it.
        image: an array or tensor.
        device: of the network.
        dtype: of the arithmetic; only bands can do with less than float32.

    Raises:
        ImageError: the image has another shape or type, or NaN in it.
    """
    sides, shape = sides_of(image), network.config.student.transformer
    if sides is not None and (dtype != torch.float32 or in_bands(shape, *sides, device)):
        return BandedSubject(network, image, device, dtype)
    return WholeSubject(network, image, to_tensor(image).to(device))


class WholeSubject(Subject[Image]):
    """Photographs that are restored at once.

    Args:
        network: that restores them.
        image: as it came.
        tensor: the same as `to_tensor` gives it, on the network's device.
    """

    def __init__(self, network: Restoration, image: Image, tensor: Tensor) -> None:
        self._network, self._tensor = network, tensor
        self._image: Image = image
        self._inside, self._scene = tensor.clamp(0, 1), cast(Scene, None)
        self.count = len(tensor)

    def read(self) -> Codes:
        """See `Subject`."""
        return self._network.read(self._inside)

    def look(self, mean: Codes | None) -> None:
        """See `Subject`."""
        self._scene = self._network.scene(self._inside, mean)

    def restored(self, codes: Codes, options: Options) -> Tensor:
        """See `Subject`."""
        network = self._network.brightened(options.brightness)
        return _finished(self._tensor, network.restore(self._scene, codes), options.strength)

    def image(self, codes: Codes, options: Options) -> tuple[Image, Tensor]:
        """See `Subject`."""
        output = self.restored(codes, options)
        return cast(Image, like(self._image, output)), output.mean(dim=(1, 2, 3))


class RowSubject(Subject[Image]):
    """Photographs that are read and written by rows, one after the other; they stay in the type they came in.

    Args:
        image: as it came.
        device: of the network.
    """

    def __init__(self, image: NDArray[Any] | Tensor, device: torch.device) -> None:
        self._image: Image = cast(Any, image)
        self._device = device
        several = isinstance(image, Tensor) and image.ndim == 4
        self._photos: list[Any] = list(image) if several else [image]
        self._rows = [_rows_of(photo, device) for photo in self._photos]
        self.count = len(self._photos)

    @abstractmethod
    def _each(self, codes: Codes, options: Options, results: Sequence[NDArray[Any] | Tensor]) -> Iterator[Rows]:
        """What the network gives of each photograph; until it is finished, the memory of its result may be used."""

    def restored(self, codes: Codes, options: Options) -> Tensor:
        """See `Subject`."""
        height, width = self._rows[0].height, self._rows[0].width
        outputs = torch.empty(self.count, 3, height, width, device=self._device)
        self._finish(codes, options, list(outputs))
        return outputs

    def image(self, codes: Codes, options: Options) -> tuple[Image, Tensor]:
        """See `Subject`."""
        image = np.empty_like(self._image) if isinstance(self._image, np.ndarray) else torch.empty_like(self._image)
        results = list(image) if image.ndim == 4 else [image]
        return image, torch.tensor(self._finish(codes, options, results))

    def _finish(self, codes: Codes, options: Options, results: Sequence[NDArray[Any] | Tensor]) -> list[float]:
        """Restore into arrays or tensors of the photographs' shapes, and tell their means."""
        each = zip(self._photos, self._rows, self._each(codes, options, results), results, strict=True)
        return [_write(photo, rows, restored, options.strength, result) for photo, rows, restored, result in each]


class BandedSubject(RowSubject[Image]):
    """Photographs that are restored in bands.

    Args:
        network: that restores them.
        image: as it came.
        device: of the network.
        dtype: of the arithmetic.
    """

    def __init__(self, network: Restoration, image: Image, device: torch.device, dtype: torch.dtype) -> None:
        from restorect.bands.restoration import BandedRestoration
        from restorect.bands.tiling import Tiling  # which small photographs do without

        super().__init__(image, device)
        tiling = Tiling.on(device, dtype)
        self._restorations = [BandedRestoration(network, rows.then(inside), tiling) for rows in self._rows]
        self._scenes: list[RowScene] = []
        for rows in self._rows:
            for first, last in rows.bands():
                rows.read(first, last)  # each value is looked at before any is restored

    def read(self) -> Codes:
        """See `Subject`."""
        conditions = [restoration.read() for restoration in self._restorations]
        return Codes(torch.cat([each.rex for each in conditions]), torch.cat([each.img for each in conditions]))

    def look(self, mean: Codes | None) -> None:
        """See `Subject`."""
        means = [None] * self.count if mean is None else _apart(mean)
        self._scenes = [each.scene(one) for each, one in zip(self._restorations, means, strict=True)]

    def _each(self, codes: Codes, options: Options, results: Sequence[NDArray[Any] | Tensor]) -> Iterator[Rows]:
        each = zip(self._restorations, self._scenes, _apart(codes), self._rows, results, strict=True)
        for restoration, scene, one, rows, result in each:
            canvas = _canvas(result, rows, self._device)
            yield restoration.brightened(options.brightness).restore(scene, one, canvas)


def inside(rows: Tensor) -> Tensor:
    """What a network sees of a photograph."""
    return rows.clamp(0, 1)


def _write(
    photo: NDArray[Any] | Tensor, rows: Rows, restored: Rows, strength: float, result: NDArray[Any] | Tensor
) -> float:
    """Finish a photograph into an array or tensor of its shape, and tell its mean."""
    total = 0.0
    for first, last in rows.bands():
        band = _finished(rows.read(first, last), restored.read(first, last), strength)
        total += band.sum(dtype=torch.float64).item()
        if isinstance(result, Tensor):
            result[:, first:last] = band[0]
        else:
            result[first:last] = like(photo[first:last], band)
    return total / (3 * rows.height * rows.width)


def _apart(codes: Codes) -> list[Codes]:
    """The codes of each photograph."""
    return [Codes(rex, img) for rex, img in zip(torch.split(codes.rex, 1), torch.split(codes.img, 1), strict=True)]


def _rows_of(photo: NDArray[Any] | Tensor, device: torch.device) -> Rows:
    """An array or a tensor (3, H, W), converted as it is read."""
    if isinstance(photo, Tensor):
        return Rows(photo.shape[1], photo.shape[2], lambda a, b: to_tensor(photo[:, a:b]).to(device))
    return Rows(photo.shape[0], photo.shape[1], lambda a, b: to_tensor(photo[a:b]).to(device))


def _canvas(result: NDArray[Any] | Tensor, rows: Rows, device: torch.device) -> Tensor:
    """(1, 3, H, W) float32 for what is not finished yet: the result's own memory, if that will do."""
    if isinstance(result, Tensor):
        fits = result.dtype == torch.float32 and result.device == device
        return result[None] if fits else torch.empty(1, 3, rows.height, rows.width, device=device)
    fits = result.dtype == np.float32 and result.ndim == 3 and device.type == "cpu"
    canvas = result if fits else np.empty((rows.height, rows.width, 3), np.float32)
    return torch.from_numpy(canvas).to(device).permute(2, 0, 1)[None]


def _finished(tensor: Tensor, output: Tensor, strength: float) -> Tensor:
    """What a network gave, blended; what lies outside [0, 1] never passed it, and is added back."""
    seen = inside(tensor)
    return _blend(seen, output.clamp(0, 1), strength) + (tensor - seen)


def _blend(image: Tensor, output: Tensor, strength: float) -> Tensor:
    """Blend in linear light: half of two exposures is what a camera would have seen. What is the same stays so."""
    if strength == 1:
        return output
    mixed = linear_to_srgb((1 - strength) * srgb_to_linear(image) + strength * srgb_to_linear(output))
    return torch.where(output == image, image, mixed)

"""`AutoRestorer`: looks at each photograph, chooses the networks for it, or leaves it as it is.

Shapes: arrays HWC, tensors BCHW; float values are sRGB-encoded with black 0 and white 1.
"""

import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeGuard, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restorect.auto.classifier import Classifier
from restorect.auto.decision import AUTO, Decision
from restorect.bands.memory import peak_bytes
from restorect.devices import Precision, find_device, find_precision
from restorect.errors import ImageError
from restorect.infer.arrays import Image, copy_of, to_tensor
from restorect.infer.auto_choice import Choice
from restorect.infer.options import Options, Restored
from restorect.infer.restorer import Restorer
from restorect.infer.room import check_room
from restorect.infer.samples import Sample, each_brightness
from restorect.nets.checkpoint import read_card
from restorect.nets.student import Start
from restorect.nets.transformer import TransformerConfig
from restorect.render.checkpoint import restoration_config
from restorect.render.steps import Style


class AutoRestorer:
    """Restores whatever the classifier finds; the networks of a task are loaded when first needed.

    Made by `AutoRestorer.load`. Attributes: `task` ("auto"), `size`, `device`, `classifier`, `weights_hash`: of the
    classifier and of all networks it may choose, together.
    """

    task = AUTO
    engine: Literal["torch"] = "torch"

    def __init__(
        self,
        classifier: Classifier,
        files: dict[str, Path],
        size: str,
        device: torch.device,
        precision: Precision = "float32",
    ) -> None:
        self.classifier, self.size, self.device, self.precision = classifier, size, device, precision
        self._files = files
        self._choice = Choice(classifier=classifier, files=files, size=size)
        self.weights_hash = self._choice.weights_hash
        self._shapes = [_transformer(path) for path in files.values()]
        self._loaded = functools.cache(self._load)

    @classmethod
    def load(cls, size: str = "tiny", *, device: str = "cpu", precision: Precision = "float32") -> "AutoRestorer":
        """Load the shipped classifier, and find the shipped networks of a size.

        Args:
            size: "nano" or "tiny"; "small" exists for low light only.
            device: "cpu", "cuda", "cuda:1", "mps" or "auto"; the classifier itself runs on the CPU.
            precision: as for `Restorer.load`.

        Raises:
            CheckpointError: there is no classifier or no network of this size, or one is not the file that was shipped.
            DeviceError: there is no such device, or it has no such precision.
        """
        choice = Choice.load(size)
        found = find_device(device)
        find_precision(precision, found)  # refused before the first photograph, not with its networks
        return cls(choice.classifier, choice.files, size, found, precision)

    def decide(self, image: NDArray[Any] | Tensor) -> Decision:
        """Tell what one photograph needs.

        Args:
            image: as for a call, but no batch of several.

        Raises:
            ImageError: the image has another shape or type, or is a batch of several.
        """
        if _is_picture(image):  # a copy of 12 megapixels would take ten times as long as the decision
            return self.classifier.decide(image)
        return self.classifier.decide(_one(image)[0].permute(1, 2, 0).numpy(force=True))

    def restorer_for(self, decision: Decision) -> Restorer:
        """The networks of the decided task.

        Raises:
            CheckpointError: the package has none for it, or there is nothing to restore.
        """
        return self._loaded(self._choice.file_for(decision))

    def __call__(
        self,
        image: Image,
        *,
        strength: float = 1.0,
        brightness: float = 0.0,
        seed: int = 0,
        steps: int | None = None,
        start: Start | None = None,
        style: Style = "natural",
        fast: bool = False,
    ) -> Image:
        """Restore one photograph for what it needs; a good one comes back as a copy.

        Arguments are those of a `Restorer`'s call, but no batch of several.

        Raises:
            CheckpointError: there are no networks for what the photograph needs.
            ConfigError: an option is out of range, or fast mode is not for what the photograph needs.
            ImageError: the image has another shape or type, is a batch of several, has NaN in it, or does not fit into
                memory.
        """
        options = Options(
            strength=strength, brightness=brightness, seed=seed, steps=steps, start=start, style=style, fast=fast
        )
        return cast(Image, self.restore(image, options).images[0])

    def sample(
        self,
        image: Image,
        count: int,
        seed: int = 0,
        *,
        strength: float = 1.0,
        brightness: float | Sequence[float] = 0.0,
        steps: int | None = None,
    ) -> list[Sample[Image]]:
        """Give several restorations of one photograph, from darker to brighter; of a good one copies without codes.

        Arguments are those of `Restorer.sample`, errors those of a call.
        """
        options = Options(strength=strength, seed=seed, samples=count, steps=steps)
        each_brightness(brightness, count)
        check_room(image, options, task=AUTO, maps=self._maps)
        decision = self.decide(image)
        if decision.nothing_to_restore:
            return [Sample(image=copy_of(image)) for _ in range(count)]
        restorer, strength = self.restorer_for(decision), decision.eased(strength)
        return restorer.sample(image, count, seed, strength=strength, brightness=brightness, steps=steps)

    def restore(self, image: Image, options: Options) -> Restored:
        """Restore one photograph as the options say, for what it needs; errors are those of a call."""
        check_room(image, options, task=AUTO, maps=self._maps)
        if not (_is_picture(image) and np.isfinite(image.sum(dtype=np.float64))):
            _one(image)  # says what is wrong with it
        decision = None if options.strength == 0 else self.decide(image)
        if decision is None or decision.nothing_to_restore:
            return Restored(images=[copy_of(image) for _ in range(options.samples)], decision=decision)
        options = replace(options, strength=decision.eased(options.strength))
        return replace(self.restorer_for(decision).restore(image, options), decision=decision)

    def peak_bytes(self, height: int, width: int) -> int:
        """Estimate of the memory that a photograph of this size takes, whichever networks are chosen, in bytes."""
        return max(peak_bytes(shape, height, width) for shape in self._shapes)

    def _maps(self, height: int, width: int, _count: int) -> int:
        return self.peak_bytes(height, width) if self.device.type == "cpu" else 0

    def _load(self, path: Path) -> Restorer:
        return Restorer.load(device=str(self.device), weights=path, precision=self.precision)


def _is_picture(image: NDArray[Any] | Tensor) -> TypeGuard[NDArray[np.float32]]:
    """Whether the classifier takes it as it is."""
    if not isinstance(image, np.ndarray):
        return False
    return image.dtype == np.float32 and image.shape[2:] == (3,) and image.size > 0


def _one(image: NDArray[Any] | Tensor) -> Tensor:
    """(1, 3, H, W), checked."""
    tensor = to_tensor(image)
    if len(tensor) != 1:
        raise ImageError(f"auto looks at one photograph at a time, got a batch of {len(tensor)}; pass them one by one")
    return tensor


def _transformer(path: Path) -> TransformerConfig:
    """The shape of the network in a file."""
    return restoration_config(path, read_card(path)).student.transformer

"""`AutoRestorer`: looks at each photograph, chooses the networks for it, or leaves it as it is.

Shapes: arrays HWC, tensors BCHW; float values are sRGB-encoded with black 0 and white 1.
"""

import functools
import hashlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from restorect.configs import from_mapping
from restorect.devices import find_device, use_threads
from restorect.errors import CheckpointError, ImageError
from restorect.infer.arrays import Image, copy_of, to_tensor
from restorect.infer.auto.classifier import Classifier
from restorect.infer.auto.decision import AUTO, Decision
from restorect.infer.catalogue import shipped, shipped_classifier
from restorect.infer.restorer import Restorer, check_options, peak_bytes
from restorect.nets.checkpoint import file_hash, read_checkpoint
from restorect.nets.student import Start, StudentConfig
from restorect.nets.transformer import TransformerConfig


class AutoRestorer:
    """Restores whatever the classifier finds; the networks of a task are loaded when first needed.

    Made by `AutoRestorer.load`. Attributes: `task` ("auto"), `size`, `device`, `classifier`, `weights_hash`: of the
    classifier and of all networks it may choose, together.
    """

    task = AUTO

    def __init__(self, classifier: Classifier, files: dict[str, Path], size: str, device: torch.device) -> None:
        self.classifier, self.size, self.device = classifier, size, device
        self._files = files
        hashes = [classifier.weights_hash, *(f"{task} {file_hash(path)}" for task, path in sorted(files.items()))]
        self.weights_hash = hashlib.sha256("\n".join(hashes).encode()).hexdigest()
        self._shapes = [_transformer(path) for path in files.values()]
        self._loaded = functools.cache(self._load)

    @classmethod
    def load(cls, size: str = "tiny", *, device: str = "cpu", threads: int | None = None) -> "AutoRestorer":
        """Load the shipped classifier, and find the shipped networks of a size.

        Args:
            size: "tiny" or "nano".
            device: "cpu", "cuda", "cuda:1", "mps" or "auto"; the classifier itself runs on the CPU.
            threads: CPU threads of torch, for the whole process; None leaves them as they are.

        Raises:
            CheckpointError: there is no classifier, or no network of this size.
            DeviceError: there is no such device.
        """
        use_threads(threads)
        files = {task: path for (task, each), path in shipped().items() if each == size}
        if not files:
            there = ", ".join(sorted({each for _, each in shipped()})) or "none"
            raise CheckpointError(f"no weights of size {size} come with this package (there is: {there})")
        return cls(Classifier.load(shipped_classifier()), files, size, find_device(device))

    def decide(self, image: NDArray[np.float32]) -> Decision:
        """Tell what one photograph (H, W, 3), sRGB-encoded, in [0, 1], needs."""
        return self.classifier.decide(image)

    def restorer_for(self, decision: Decision) -> Restorer:
        """The networks of the decided task.

        Raises:
            CheckpointError: the package has none for it.
        """
        if decision.task not in self._files:
            raise CheckpointError(
                f"looks like a case for {decision.task} ({decision.confidence:.0%} sure), but no weights for "
                f"{decision.task} {self.size} come with this package; choose another with --task"
            )
        return self._loaded(decision.task)

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
        """Restore one photograph, as `Restorer` does; a good one comes back as a copy.

        Raises:
            CheckpointError: the package has no networks for what the photograph needs.
            ConfigError: an option is out of range.
            ImageError: the image has another shape or type, or NaN in it, or is a batch of several.
        """
        check_options(strength, seed, samples, steps, start)
        tensor = to_tensor(image)
        if len(tensor) != 1:
            raise ImageError(
                f"auto looks at one photograph at a time, got a batch of {len(tensor)}; pass them one by one"
            )
        decision = self.decide(tensor[0].permute(1, 2, 0).numpy(force=True))
        if decision.nothing_to_restore:
            copies: list[Image] = [copy_of(image) for _ in range(samples)]
            return copies if samples > 1 else copies[0]
        return self.restorer_for(decision)(
            image, strength=strength, seed=seed, samples=samples, steps=steps, start=start
        )

    def peak_bytes(self, height: int, width: int) -> int:
        """Estimate of the memory that a photograph of this size takes, whichever networks are chosen, in bytes."""
        return max(peak_bytes(shape, height, width) for shape in self._shapes)

    def _load(self, task: str) -> Restorer:
        return Restorer.load(device=str(self.device), weights=self._files[task])


def _transformer(path: Path) -> TransformerConfig:
    """The shape of the network in a file."""
    _, card = read_checkpoint(path)
    return from_mapping(StudentConfig, card.config).transformer

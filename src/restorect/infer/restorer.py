"""`Restorer`: a photograph in, a restored photograph out.

Shapes: arrays HWC, tensors BCHW; float values are sRGB-encoded with black 0 and white 1; codes (B, 256).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from restorect.configs import require
from restorect.data.degrade.camera import linear_to_srgb, srgb_to_linear
from restorect.devices import find_device, use_threads
from restorect.infer.arrays import Image, copy_of, like, to_tensor
from restorect.infer.auto.decision import AUTO
from restorect.infer.call import Options, PhotoCall
from restorect.infer.catalogue import check_shipped, shipped_weights
from restorect.infer.samples import Sample, between
from restorect.infer.spread import SAMPLES, spread
from restorect.nets.checkpoint import Card, file_hash
from restorect.nets.codes import Codes
from restorect.nets.transformer import TransformerConfig
from restorect.render.checkpoint import load_restoration
from restorect.render.restoration import Restoration
from restorect.render.step import Scene


class Restorer(PhotoCall):
    """A restoration network, and what a photograph needs around it.

    Made by `Restorer.load`. Attributes: `task`, `size`, `card`, `weights_hash`, `network`, `device`.
    """

    def __init__(self, network: Restoration, card: Card, weights_hash: str, device: torch.device) -> None:
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
            ConfigError: the task is "auto", which is a choice among several networks (see `restorect.load`), or
                `threads` is below 1.
            DeviceError: there is no such device.
        """
        use_threads(threads)
        several = weights is None and task == AUTO
        require(not several, "task auto chooses among the networks of all tasks: use restorect.load, or name one task")
        path = Path(weights) if weights is not None else shipped_weights(task, size)
        network, card = load_restoration(path)
        weights_hash = file_hash(path)
        check_shipped(path, weights_hash)
        return cls(network, card, weights_hash, find_device(device))

    @property
    def default_steps(self) -> int:
        """Steps of the flow when none are asked for."""
        return self.network.config.student.steps

    @torch.no_grad()
    def restorations(self, image: Image, options: Options) -> list[Image]:
        """As a call gives them, from darker to brighter; of a batch of tensors each item is a batch."""
        tensor = to_tensor(image).to(self.device)
        if options.strength == 0:
            return [copy_of(image) for _ in range(options.samples)]
        return [sample.image for sample in self._samples(image, tensor, options)]

    @torch.no_grad()
    def sample(
        self, image: Image, count: int, seed: int = 0, *, strength: float = 1.0, steps: int | None = None
    ) -> list[Sample[Image]]:
        """Give several restorations of one photograph together with the codes that lead to them.

        Args:
            image: as for a call.
            count: how many, each from noise of its own.
            seed: of the first one's noise; the next ones follow.
            strength: as for a call; 0 is allowed and gives copies with differing codes.
            steps: of the flow; None for the network's default.

        Returns:
            `count` samples, from darker to brighter; of a batch of tensors, each image's samples are ordered for
            themselves.

        Raises:
            ConfigError: an option is out of range.
            ImageError: the image has another shape or type, or NaN in it.
        """
        options = Options(strength=strength, seed=seed, samples=count, steps=steps, start="noise")
        return self._samples(image, to_tensor(image).to(self.device), options)

    @torch.no_grad()
    def restore_with(self, image: Image, codes: Codes, *, strength: float = 1.0) -> Image:
        """Restore a photograph with given codes, each (B, 256), for example those of a `Sample`.

        Raises:
            ConfigError: `strength` is out of range, or the codes are not one pair for each photograph.
            ImageError: the image has another shape or type, or NaN in it.
        """
        Options(strength=strength)
        tensor = to_tensor(image).to(self.device)
        count = len(codes.rex)
        require(count == len(tensor), f"codes of {count} photographs do not fit {len(tensor)}; give one pair for each")
        if strength == 0:
            return copy_of(image)
        there = Codes(codes.rex.to(self.device), codes.img.to(self.device))
        inside = tensor.clamp(0, 1)
        scene = self.network.scene(inside, self.network.mean(self.network.read(inside)))
        return cast(Image, like(image, self._restored(tensor, scene, there, strength)))

    def interpolate(self, image: Image, code_a: Codes, code_b: Codes, t: float, *, strength: float = 1.0) -> Image:
        """Restore a photograph between two of its samples: `t` = 0 gives the first, 1 the second; see `between`.

        Raises:
            ConfigError: `t` or `strength` is not from 0 to 1, or the codes do not fit.
            ImageError: the image has another shape or type, or NaN in it.
        """
        return self.restore_with(image, between(code_a, code_b, t), strength=strength)

    @torch.no_grad()
    def uncertainty(
        self, image: Image, samples: int = SAMPLES, seed: int = 0, *, strength: float = 1.0, steps: int | None = None
    ) -> Image:
        """Tell how far restorations of one photograph lie apart, pixel by pixel.

        Args:
            image: as for a call.
            samples: how many restorations to compare, at least 2.
            seed: of the first one's noise; the next ones follow.
            strength: as for a call.
            steps: of the flow; None for the network's default.

        Returns:
            Standard deviation over the samples of the sRGB-encoded values (black 0, white 1), root mean square over
            the channels: float32 (H, W), from 0 to 0.5; for a batch of tensors (B, H, W).

        Raises:
            ConfigError: an option is out of range.
            ImageError: the image has another shape or type, or NaN in it.
        """
        options = Options(strength=strength, seed=seed, samples=samples, steps=steps, start="noise")
        require(samples >= 2, f"samples is {samples}; a spread needs at least 2")
        tensor = to_tensor(image).to(self.device)
        scene, drawn_codes = self._drawn(tensor, options)
        drawn = (self._restored(tensor, scene, codes, strength) for codes in drawn_codes)
        map_BHW = cast(Tensor, spread(drawn, axis=1))
        if isinstance(image, Tensor):
            return map_BHW.to(image.device) if image.ndim == 4 else map_BHW[0].to(image.device)
        return map_BHW[0].cpu().numpy()

    def _samples(self, image: Image, tensor: Tensor, options: Options) -> list[Sample[Image]]:
        """Restorations with their codes, of each photograph of a batch from darker to brighter."""
        scene, drawn_codes = self._drawn(tensor, options)
        drawn = [(self._restored(tensor, scene, codes, options.strength), codes) for codes in drawn_codes]
        outputs, codes = _dark_to_bright(drawn)
        images = [cast(Image, like(image, output)) for output in outputs]
        return [Sample(image=each, codes=code) for each, code in zip(images, codes, strict=True)]

    def _drawn(self, tensor: Tensor, options: Options) -> tuple[Scene, Iterator[Codes]]:
        """What steps look at, and the codes of each seed; the photographs are read once."""
        inside, student = tensor.clamp(0, 1), self.network.student
        conditions = self.network.read(inside)
        start = options.start or ("noise" if options.samples > 1 else student.config.start)  # the mean has but one
        scene = self.network.scene(inside, self.network.mean(conditions) if start == "noise" else None)
        seeds = range(options.seed, options.seed + options.samples)
        starts = (student.start(len(tensor), start, seed) for seed in seeds)
        return scene, (student.generate(conditions, each, options.steps) for each in starts)

    def _restored(self, tensor: Tensor, scene: Scene, codes: Codes, strength: float) -> Tensor:
        """Restore, and blend."""
        output = self.network.restore(scene, codes).clamp(0, 1)
        # What lies outside [0, 1] never passed the network; it is added back at the end.
        return _blend(scene.photo, output, strength) + (tensor - scene.photo)

    def peak_bytes(self, height: int, width: int) -> int:
        """Estimate of the memory that restoring a photograph of this size takes, in bytes."""
        return peak_bytes(self.network.config.student.transformer, height, width)


def peak_bytes(config: TransformerConfig, height: int, width: int) -> int:
    """Estimate of the memory that one forward pass takes, in bytes.

    The widest moment is the feed-forward net at the top of the decoder, 2 dim channels: its hidden maps before and
    after the depthwise convolution, beside the skips. On top come the libraries' workspace and holes in
    the heap, which stop growing once every map is large enough to be handed back to the system. Measured on a CPU with
    tiny and nano at 1, 4 and 12 megapixels, the estimate is 1.0 to 1.7 times the real peak.
    """
    workspace, largest_hole = 112 * 2**20, 4e6
    pixels = (-(-height // config.multiple) * config.multiple) * (-(-width // config.multiple) * config.multiple)
    features = config.dim * (2 * 2 * 2 * config.expansion * 1.5 + 12) / config.stem**2
    images = 3 * (8 + (4 if config.stem > 1 else 2))
    grown = 0.75 * pixels + 0.25 * min(pixels, largest_hole)
    return workspace + int(grown * 4 * (features + images))


def _blend(image: Tensor, output: Tensor, strength: float) -> Tensor:
    """Blend in linear light: half of two exposures is what a camera would have seen. What is the same stays so."""
    if strength == 1:
        return output
    mixed = linear_to_srgb((1 - strength) * srgb_to_linear(image) + strength * srgb_to_linear(output))
    return torch.where(output == image, image, mixed)


def _dark_to_bright(drawn: list[tuple[Tensor, Codes]]) -> tuple[list[Tensor], list[Codes]]:
    """Order the samples of each image of a batch, and their codes, by the mean."""
    outputs, codes = [output for output, _ in drawn], [each for _, each in drawn]
    if len(drawn) == 1:
        return outputs, codes
    means = torch.stack([output.mean(dim=(1, 2, 3)) for output in outputs])
    order = means.argsort(dim=0)

    def picked(stacked: Tensor, place: Tensor) -> Tensor:
        return stacked[place, torch.arange(stacked.shape[1], device=stacked.device)]

    images, rex, img = torch.stack(outputs), *(torch.stack(part) for part in zip(*codes, strict=True))
    return [picked(images, place) for place in order], [Codes(picked(rex, p), picked(img, p)) for p in order]

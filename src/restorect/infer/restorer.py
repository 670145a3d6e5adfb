"""`Restorer`: a photograph in, a restored photograph out.

Shapes: arrays HWC, tensors BCHW; float values are sRGB-encoded with black 0 and white 1; codes (B, 256).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import Tensor

from restorect.auto.decision import AUTO
from restorect.bands.memory import peak_bytes
from restorect.configs import require
from restorect.devices import Precision, find_device, find_precision
from restorect.files import file_hash
from restorect.infer.arrays import Image, copy_of, to_tensor
from restorect.infer.fast import fast_subject
from restorect.infer.options import Options, Restored
from restorect.infer.room import check_room
from restorect.infer.samples import Sample, between, each_brightness
from restorect.infer.spread import SAMPLES, spread
from restorect.infer.subject import Subject, subject_of
from restorect.nets.checkpoint import Card
from restorect.nets.codes import Codes
from restorect.nets.student import Start
from restorect.render.checkpoint import load_restoration
from restorect.render.restoration import Restoration
from restorect.render.steps import Style
from restorect.tasks import check_fast
from restorect.weights.catalogue import check_shipped, shipped_weights


class Restorer:
    """A restoration network, and what a photograph needs around it.

    Made by `Restorer.load`. Attributes: `task`, `size`, `card`, `weights_hash`, `network`, `device`.
    """

    engine: Literal["torch"] = "torch"

    def __init__(
        self,
        network: Restoration,
        card: Card,
        weights_hash: str,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._dtype = dtype
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
        precision: Precision = "float32",
    ) -> "Restorer":
        """Load shipped weights, or a checkpoint of one's own.

        Args:
            task: what to restore, for example "low-light"; not looked at when `weights` is given.
            size: "nano", "tiny" or, for low light, "small"; not looked at when `weights` is given.
            device: "cpu", "cuda", "cuda:1", "mps" or "auto".
            weights: path of a student checkpoint.
            precision: of convolutions and matrix products: "float32", or "bfloat16", which is quicker where the
                processor has it, and up to 5 of 255 away.

        Raises:
            CheckpointError: there are no such weights, or they are unusable.
            ConfigError: the task is "auto", which is a choice among several networks (see `restorect.load`).
            DeviceError: there is no such device, or it has no such precision.
        """
        several = weights is None and task == AUTO
        require(not several, "task auto chooses among the networks of all tasks: use restorect.load, or name one task")
        path = Path(weights) if weights is not None else shipped_weights(task, size)
        network, card = load_restoration(path)
        weights_hash = file_hash(path)
        check_shipped(path, weights_hash)
        found = find_device(device)
        return cls(network, card, weights_hash, found, find_precision(precision, found))

    @property
    def precision(self) -> Precision:
        """Of convolutions and matrix products."""
        return "bfloat16" if self._dtype == torch.bfloat16 else "float32"

    @property
    def default_steps(self) -> int:
        """Steps of the flow when none are asked for."""
        return self.network.config.student.steps

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
        """Restore one photograph, or a batch of tensors.

        Args:
            image: an array (H, W, 3) or (H, W) of uint8, uint16 or float32, or a float tensor (3, H, W) or
                (B, 3, H, W). Floats are sRGB-encoded, 0 to 1; what lies outside is carried past the network.
            strength: 0 returns the image, 1 the full restoration, between them a blend in linear light.
            brightness: stops, from -3 to 3, that the restoration is made brighter by before it is blended; white stays
                white, and colours keep their hue (`render.brightness`).
            seed: of the flow's noise; the same seed, image and machine give the same result.
            steps: of the flow; None for the network's default.
            start: "noise" or "mean"; None for the network's default.
            style: "natural", or "reference" as benchmarks of single exposures expect.
            fast: let the network see about a megapixel; see `Options`.

        Returns:
            An image of the same kind, shape and type.

        Raises:
            ConfigError: an option is out of range, or fast mode is not for this task.
            ImageError: the image has another shape or type, NaN in it, or does not fit into memory.
        """
        options = Options(
            strength=strength, brightness=brightness, seed=seed, steps=steps, start=start, style=style, fast=fast
        )
        return cast(Image, self.restore(image, options).images[0])

    @torch.no_grad()
    def restore(self, image: Image, options: Options) -> Restored:
        """Restore one photograph, or a batch of tensors, as often as the options say; image and errors as of a call."""
        if options.fast:
            check_fast(self.task)
        self._check_room(image, options)
        subject = self._subject(image, options.style, fast=options.fast)
        if options.strength == 0:
            return Restored(images=[copy_of(image) for _ in range(options.samples)])
        images = [sample.image for sample in self._samples(subject, options)]
        if not options.uncertainty:
            return Restored(images=images, by=self)
        others = replace(options, samples=SAMPLES, start="noise")
        compared = map(to_tensor, images) if options.samples > 1 else self._outputs(subject, others)
        return Restored(images=images, spread=_map(image, compared), by=self)

    @torch.no_grad()
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
        """Give several restorations of one photograph together with the codes that lead to them.

        Args:
            image: as for a call.
            count: how many, each from noise of its own.
            seed: of the first one's noise; the next ones follow.
            strength: as for a call; 0 is allowed and gives copies with differing codes.
            brightness: as for a call; or one number for each sample, the first for the one that is predicted darkest.
            steps: of the flow; None for the network's default.

        Returns:
            `count` samples, from darker to brighter, as predicted; of a batch of tensors, each image's samples are
            ordered for themselves.

        Raises:
            ConfigError: an option is out of range.
            ImageError: the image has another shape or type, NaN in it, or does not fit into memory.
        """
        options = Options(strength=strength, seed=seed, samples=count, steps=steps, start="noise")
        each = each_brightness(brightness, count)
        self._check_room(image, options)
        own, subject = [replace(options, brightness=stops) for stops in each], self._subject(image)
        if len(set(each)) == 1:
            return self._samples(subject, own[0])
        samples = self._samples(subject, options)  # they are in order only when all are there
        return [
            replace(sample, image=subject.image(cast(Codes, sample.codes), how)[0])
            for sample, how in zip(samples, own, strict=True)
        ]

    @torch.no_grad()
    def restore_with(self, image: Image, codes: Codes, *, strength: float = 1.0, brightness: float = 0.0) -> Image:
        """Restore a photograph with given codes, each (B, 256), for example those of a `Sample`.

        Raises:
            ConfigError: an option is out of range, or the codes are not one pair for each photograph.
            ImageError: the image has another shape or type, NaN in it, or does not fit into memory.
        """
        options = Options(strength=strength, brightness=brightness)
        self._check_room(image, options)
        subject, count = self._subject(image), len(codes.rex)
        fits = count == subject.count
        require(fits, f"codes of {count} photographs do not fit {subject.count}; give one pair for each")
        if strength == 0:
            return copy_of(image)
        subject.look(self.network.mean(subject.read()))
        return subject.image(Codes(codes.rex.to(self.device), codes.img.to(self.device)), options)[0]

    def interpolate(
        self, image: Image, code_a: Codes, code_b: Codes, t: float, *, strength: float = 1.0, brightness: float = 0.0
    ) -> Image:
        """Restore a photograph between two of its samples: `t` = 0 gives the first, 1 the second; see `between`.

        Raises:
            ConfigError: `t` or an option is out of range, or the codes do not fit.
            ImageError: the image has another shape or type, NaN in it, or does not fit into memory.
        """
        return self.restore_with(image, between(code_a, code_b, t), strength=strength, brightness=brightness)

    @torch.no_grad()
    def uncertainty(
        self,
        image: Image,
        samples: int = SAMPLES,
        seed: int = 0,
        *,
        strength: float = 1.0,
        brightness: float = 0.0,
        steps: int | None = None,
    ) -> Image:
        """Tell how far restorations of one photograph lie apart, pixel by pixel.

        Args:
            image: as for a call.
            samples: how many restorations to compare, at least 2.
            seed: of the first one's noise; the next ones follow.
            strength: as for a call.
            brightness: as for a call.
            steps: of the flow; None for the network's default.

        Returns:
            Standard deviation over the samples of the sRGB-encoded values (black 0, white 1), root mean square over
            the channels: float32 (H, W), from 0 to 0.5; for a batch of tensors (B, H, W).

        Raises:
            ConfigError: an option is out of range.
            ImageError: the image has another shape or type, NaN in it, or does not fit into memory.
        """
        options = Options(
            strength=strength, brightness=brightness, seed=seed, samples=samples, steps=steps, start="noise"
        )
        require(samples >= 2, f"samples is {samples}; a spread needs at least 2")
        self._check_room(image, replace(options, samples=1, uncertainty=True))
        return _map(image, self._outputs(self._subject(image), options))

    def _check_room(self, image: Image, options: Options) -> None:
        check_room(image, options, task=self.task, maps=self._maps)

    def _maps(self, height: int, width: int, count: int) -> int:
        shape = self.network.config.student.transformer
        return peak_bytes(shape, height, width, count) if self.device.type == "cpu" else 0

    def _subject(self, image: Image, style: Style = "natural", *, fast: bool = False) -> Subject[Image]:
        network = self.network.in_style(style)
        if fast:
            return fast_subject(network, image, self.device, self._dtype)
        return subject_of(network, image, self.device, self._dtype)

    def _samples(self, subject: Subject[Image], options: Options) -> list[Sample[Image]]:
        """Restorations with their codes, of each photograph of a batch from darker to brighter."""
        drawn = []
        for codes in self._drawn(subject, options):
            image, mean = subject.image(codes, options)
            drawn.append((image, mean, codes))
        return _dark_to_bright(drawn)

    def _outputs(self, subject: Subject[Image], options: Options) -> Iterator[Tensor]:
        """Restorations (B, 3, H, W) in the order of their seeds."""
        return (subject.restored(codes, options) for codes in self._drawn(subject, options))

    def _drawn(self, subject: Subject[Image], options: Options) -> Iterator[Codes]:
        """The codes of each seed; the photographs are read, and looked at, once."""
        student, conditions = self.network.student, subject.read()
        start = options.start or ("noise" if options.samples > 1 else student.config.start)  # the mean has but one
        subject.look(self.network.mean(conditions) if start == "noise" else None)
        seeds = range(options.seed, options.seed + options.samples)
        starts = (student.start(subject.count, start, seed) for seed in seeds)
        return (student.generate(conditions, each, options.steps) for each in starts)

    def peak_bytes(self, height: int, width: int) -> int:
        """Estimate of the memory that restoring a photograph of this size takes, in bytes."""
        return peak_bytes(self.network.config.student.transformer, height, width)


def _map(image: Image, outputs: Iterable[Tensor]) -> Image:
    """How far restorations lie apart, (H, W) as an array or a tensor as the image is; of a batch (B, H, W)."""
    map_BHW = cast(Tensor, spread(outputs, axis=1))
    if isinstance(image, Tensor):
        return map_BHW.to(image.device) if image.ndim == 4 else map_BHW[0].to(image.device)
    return map_BHW[0].cpu().numpy()


def _dark_to_bright(drawn: list[tuple[Image, Tensor, Codes]]) -> list[Sample[Image]]:
    """Order the samples of each photograph of a batch by their mean."""
    order = torch.stack([mean for _, mean, _ in drawn]).argsort(dim=0)
    if order.shape[1] == 1:
        return [Sample(image=drawn[number][0], codes=drawn[number][2]) for number in order[:, 0].tolist()]

    def picked(stacked: Tensor, place: Tensor) -> Any:  # noqa: ANN401
        return stacked[place.to(stacked.device), torch.arange(stacked.shape[1], device=stacked.device)]

    tensors: list[Any] = [image for image, _, _ in drawn]  # only these come in batches
    images = torch.stack(tensors)
    rex, img = (torch.stack(part) for part in zip(*(codes for _, _, codes in drawn), strict=True))
    return [Sample(image=picked(images, place), codes=Codes(picked(rex, place), picked(img, place))) for place in order]

"""Every metric by name, with what a table has to say of it, and one way to ask each for its figures.

Shapes: B samples, H x W pixels.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

import torch
from torch import Tensor

from restorect.errors import ConfigError
from restorect.metrics.biqi import biqi, load_biqi
from restorect.metrics.brisque import brisque, load_brisque
from restorect.metrics.clip_iqa import ClipIQA
from restorect.metrics.delta_e import delta_e
from restorect.metrics.eye import burnt, dark_noise, grey, halo, lift, lights, shadows
from restorect.metrics.fid import FID
from restorect.metrics.loe import loe
from restorect.metrics.lpips import LPIPS
from restorect.metrics.ms_ssim import ms_ssim
from restorect.metrics.niqe import NiqeModel
from restorect.metrics.psnr import psnr, psnr_y
from restorect.metrics.ssim import ssim
from restorect.metrics.uciqe import uciqe
from restorect.metrics.uiqm import uiqm
from restorect.metrics.vessels import vessels

Reference = Literal["target", "input", "none"]
Better = Literal["higher", "lower", "near"]
"""Which way is better; "near": neither, but near the ground truth's own figure."""


class Scorer(Protocol):
    """A metric ready to use: one figure per image."""

    def __call__(self, output_BCHW: Tensor, reference_BCHW: Tensor | None, /) -> Tensor:
        """Figures (B,) of outputs against the references the metric needs, or None where it needs none."""
        ...


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Where a metric finds what cannot be shipped: published weights, and parameters fitted by the user."""

    weights_dir: Path | None = None
    device: str = "cpu"

    def parameters(self, name: str) -> Path | None:
        """The file `<name>.safetensors` in the weights folder, if there is such a folder."""
        return None if self.weights_dir is None else self.weights_dir / f"{name}.safetensors"


@dataclass(frozen=True, kw_only=True)
class MetricInfo:
    """What a table says of a metric.

    Attributes:
        name: how commands and files call it; a variant follows a dash.
        title: the heading of a column, with the unit.
        higher_is_better: whether more is better; None where it is right to be as the ground truth is.
        low: the smallest value, None where there is no bound.
        high: the largest value, None where there is no bound.
        reference: what it compares with: the "target" (ground truth), the "input" before restoring, or "none".
        per_set: one figure for a whole set (FID) instead of one per image.
        weights: names in `pretrained.PRETRAINED` that it needs, and parameters that only a user can fit.
        smallest: the shortest side in pixels that it accepts.
        may_be_undefined: a photograph may have nothing to judge; its figure is `nan` then, and enters no mean.
    """

    name: str
    title: str
    higher_is_better: bool | None
    low: float | None = 0.0
    high: float | None = None
    reference: Reference = "none"
    per_set: bool = False
    weights: tuple[str, ...] = ()
    smallest: int = 1
    may_be_undefined: bool = False

    @property
    def better(self) -> Better:
        """Which way is better."""
        if self.higher_is_better is None:
            return "near"
        return "higher" if self.higher_is_better else "lower"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A per-image metric with its resources loaded."""

    info: MetricInfo
    scorer: Scorer

    def score(self, output: Tensor, reference: Tensor | None = None) -> Tensor:
        """Figures of a batch (B, 3, H, W) -> (B,), or of one image (3, H, W) -> ().

        Raises:
            ValueError: the reference the metric needs is missing, or the images do not suit it (it says why).
        """
        if self.info.reference != "none" and reference is None:
            raise ValueError(f"{self.info.name} needs the {self.info.reference} to compare with")
        single = output.ndim == 3
        outputs = output.unsqueeze(0) if single else output
        references = reference.unsqueeze(0) if single and reference is not None else reference
        with torch.inference_mode():
            figures = self.scorer(outputs, references)
        return figures[0] if single else figures


def load_metric(name: str, resources: Resources | None = None) -> Metric:
    """A per-image metric by name, ready to score.

    Raises:
        ConfigError: there is no such per-image metric.
        WeightsNeeded: its weights or parameters are not there; the message is what its column says.
        CheckpointError: a file of weights is another than the published one.
    """
    if name not in _SCORERS:
        raise ConfigError(f"metric {name!r}: choose from {', '.join(sorted(_SCORERS))} (of whole sets: fid)")
    return Metric(info=METRICS[name], scorer=_SCORERS[name](resources or Resources()))


def load_set_metric(name: str, resources: Resources | None = None) -> FID:
    """A metric of whole sets by name; errors as `load_metric`."""
    if name != "fid":
        raise ConfigError(f"metric of a set {name!r}: choose fid")
    resources = resources or Resources()
    fid = FID.load(resources.weights_dir)
    fid.net.to(resources.device)
    return fid


def _paired(measure: Callable[[Tensor, Tensor], Tensor], _resources: Resources) -> Scorer:
    return lambda output, reference: measure(output, _present(reference))


def _alone(measure: Callable[[Tensor], Tensor], _resources: Resources) -> Scorer:
    return lambda output, _reference: measure(output)


def _lpips(variant: Literal["alex", "vgg"], resources: Resources) -> Scorer:
    net = LPIPS.load(resources.weights_dir, variant).to(resources.device)
    return lambda output, reference: net(output, _present(reference))


def _clip_iqa(resources: Resources) -> Scorer:
    net = ClipIQA.load(resources.weights_dir).to(resources.device)
    return lambda output, _reference: net(output)


def _niqe(_resources: Resources) -> Scorer:
    model = NiqeModel.shipped()
    return lambda output, _reference: model.score(output)


def _niqe_fitted(resources: Resources) -> Scorer:
    model = NiqeModel.fitted(resources.parameters("niqe"))
    return lambda output, _reference: model.score(output)


def _brisque(resources: Resources) -> Scorer:
    regressor = load_brisque(resources.parameters("brisque"))
    return lambda output, _reference: brisque(output.cpu(), regressor)


def _biqi(resources: Resources) -> Scorer:
    regressor = load_biqi(resources.parameters("biqi"))
    return lambda output, _reference: biqi(output.cpu(), regressor)


def _present(reference: Tensor | None) -> Tensor:
    if reference is None:
        raise ValueError("this metric needs an image to compare with")
    return reference


def _lpips_info(name: str, title: str, backbone: str, *, smallest: int) -> MetricInfo:
    weights = (backbone, name)
    return MetricInfo(
        name=name, title=title, higher_is_better=False, reference="target", weights=weights, smallest=smallest
    )


def _eye_info(name: str, title: str, higher_is_better: bool | None, *, high: float | None = None) -> MetricInfo:
    return MetricInfo(
        name=name,
        title=title,
        higher_is_better=higher_is_better,
        low=None if name in ("lights", "shadows") else 0.0,
        high=high,
        reference="input",
        may_be_undefined=name != "burnt",
    )


_ALL = (
    MetricInfo(name="psnr", title="PSNR (dB)", higher_is_better=True, reference="target"),
    MetricInfo(name="psnr-y", title="PSNR-Y (dB)", higher_is_better=True, reference="target"),
    MetricInfo(name="ssim", title="SSIM", higher_is_better=True, low=-1, high=1, reference="target", smallest=11),
    MetricInfo(name="ms-ssim", title="MS-SSIM", higher_is_better=True, high=1, reference="target", smallest=176),
    MetricInfo(name="delta-e", title="dE 2000", higher_is_better=False, reference="target"),
    MetricInfo(name="vessels", title="Vessels kept", higher_is_better=True, low=-1, high=1, reference="target"),
    _lpips_info("lpips-alex", "LPIPS (Alex)", "alexnet", smallest=31),
    _lpips_info("lpips-vgg", "LPIPS (VGG)", "vgg16", smallest=16),
    MetricInfo(
        name="fid",
        title="FID",
        higher_is_better=False,
        reference="target",
        per_set=True,
        weights=("inception-fid",),
    ),
    MetricInfo(name="loe", title="LOE (NPE)", higher_is_better=False, reference="input", smallest=50),
    MetricInfo(name="loe-grid100", title="LOE (100x100)", higher_is_better=False, high=10_000, reference="input"),
    _eye_info("burnt", "Burnt (%)", False, high=100),
    _eye_info("grey", "Grey of blacks (of 255)", False, high=255),
    _eye_info("dark-noise", "Noise of blacks (of 255)", False),
    _eye_info("lift", "Lift", None),
    _eye_info("lights", "Lights kept", True),
    _eye_info("shadows", "Shadows opened", None),
    _eye_info("halo", "Halo (stops)", False),
    MetricInfo(name="niqe", title="NIQE (own fit)", higher_is_better=False, smallest=96),
    MetricInfo(name="niqe-fitted", title="NIQE (your fit)", higher_is_better=False, weights=("niqe",), smallest=96),
    MetricInfo(name="brisque", title="BRISQUE", higher_is_better=False, low=None, weights=("brisque",), smallest=14),
    MetricInfo(name="biqi", title="BIQI", higher_is_better=False, low=None, weights=("biqi",), smallest=32),
    MetricInfo(name="uciqe", title="UCIQE (unit)", higher_is_better=True, high=1),
    MetricInfo(name="uciqe-offset8", title="UCIQE (offset8)", higher_is_better=True),
    MetricInfo(name="uciqe-lab100", title="UCIQE (lab100)", higher_is_better=True),
    MetricInfo(name="uiqm", title="UIQM (FUnIE)", higher_is_better=True, low=None, smallest=10),
    MetricInfo(name="uiqm-plip", title="UIQM (PLIP)", higher_is_better=True, low=None, smallest=8),
    MetricInfo(
        name="clip-iqa",
        title="CLIP-IQA",
        higher_is_better=True,
        high=1,
        weights=("clip-rn50",),
        smallest=32,
    ),
)

METRICS: Mapping[str, MetricInfo] = {info.name: info for info in _ALL}
"""Every metric by its name, in the order of a table."""

_SCORERS: Mapping[str, Callable[[Resources], Scorer]] = {
    "psnr": partial(_paired, psnr),
    "psnr-y": partial(_paired, psnr_y),
    "ssim": partial(_paired, ssim),
    "ms-ssim": partial(_paired, ms_ssim),
    "delta-e": partial(_paired, delta_e),
    "vessels": partial(_paired, vessels),
    "lpips-alex": partial(_lpips, "alex"),
    "lpips-vgg": partial(_lpips, "vgg"),
    "loe": partial(_paired, loe),
    "loe-grid100": partial(_paired, partial(loe, variant="grid100")),
    "burnt": partial(_paired, burnt),
    "grey": partial(_paired, grey),
    "dark-noise": partial(_paired, dark_noise),
    "lift": partial(_paired, lift),
    "lights": partial(_paired, lights),
    "shadows": partial(_paired, shadows),
    "halo": partial(_paired, halo),
    "niqe": _niqe,
    "niqe-fitted": _niqe_fitted,
    "brisque": _brisque,
    "biqi": _biqi,
    "uciqe": partial(_alone, uciqe),
    "uciqe-offset8": partial(_alone, partial(uciqe, variant="offset8")),
    "uciqe-lab100": partial(_alone, partial(uciqe, variant="lab100")),
    "uiqm": partial(_alone, uiqm),
    "uiqm-plip": partial(_alone, partial(uiqm, variant="plip")),
    "clip-iqa": _clip_iqa,
}

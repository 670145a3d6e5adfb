"""Metrics of whole sets (FID): features are kept with each image's result, and sets compared when all are there.

Shapes: images (1, 3, H, W), sRGB-encoded in [0, 1]; D features.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from restorect.configs import require
from restorect.evaluate.journal import Result
from restorect.evaluate.protocols import Protocol
from restorect.evaluate.scores import check_protocol, is_of_sets
from restorect.metrics.fid import FEW, frechet_distance
from restorect.metrics.pretrained import WeightsNeeded, WeightsSource
from restorect.metrics.registry import METRICS, Better, Resources, load_set_metric


@dataclass(frozen=True, kw_only=True)
class SetMeasure:
    """A metric of whole sets as the evaluation uses it.

    Attributes:
        name: of the column.
        better: which way is better.
        features: an image (1, 3, H, W) to its features (1, D).
        sources: the files it was loaded from.
    """

    name: str
    better: Better
    features: Callable[[Tensor], Tensor]
    sources: tuple[WeightsSource, ...] = ()

    @property
    def identity(self) -> str:
        """Changes whenever its figures may."""
        return " ".join([self.name, *(source.sha256 for source in self.sources)])


@dataclass(frozen=True, kw_only=True)
class SetScore:
    """The distance of two sets, and how many images each has."""

    value: float
    images: int
    references: int


def choose_set_measures(
    names: Sequence[str] | None, *, protocol: Protocol, compared: bool, weights_dir: Path | None = None
) -> tuple[list[SetMeasure], dict[str, str]]:
    """Those of the named metrics that are of whole sets; none unless they are named.

    Args:
        names: as `restorect.evaluate.scores.choose_measures` takes them, which checks them.
        protocol: how is measured.
        compared: there are good photographs to compare with.
        weights_dir: where metrics find what cannot be shipped.

    Returns:
        Metrics that can be computed, and those that cannot with what they lack.

    Raises:
        ConfigError: there is nothing to compare with, or the protocol is not made for it.
        CheckpointError: a file of weights is another than the published one, or does not fit.
    """
    ready, lacking = [], {}
    for name in dict.fromkeys(filter(is_of_sets, names or ())):
        require(compared, f"metric {name} compares with good photos, and this set has none; give --fid-against DIR")
        check_protocol(name, protocol)
        try:
            metric = load_set_metric(name, Resources(weights_dir=weights_dir))
        except WeightsNeeded as needed:
            lacking[name] = str(needed)
            continue
        better = METRICS[name].better
        ready.append(SetMeasure(name=name, better=better, features=metric.features, sources=metric.sources))
    return ready, lacking


def features_of(measures: Sequence[SetMeasure], image: Tensor) -> dict[str, str]:
    """The features of an image by metric, as `Result.features` keeps them.

    Raises:
        ConfigError: some are not finite; the message names the metric.
    """
    found = {measure.name: measure.features(image)[0] for measure in measures}
    for name, features_D in found.items():
        require(bool(features_D.isfinite().all()), f"metric {name} gave features that are not finite")
    return {name: _packed(features_D) for name, features_D in found.items()}


def compare(
    measures: Sequence[SetMeasure], results: Sequence[Result], references: Sequence[Result]
) -> dict[str, SetScore]:
    """The distances of two judged sets by metric; none where a set has fewer than two images."""
    if min(len(results), len(references)) < 2:
        return {}
    return {
        measure.name: SetScore(
            value=frechet_distance(_features(results, measure.name), _features(references, measure.name)),
            images=len(results),
            references=len(references),
        )
        for measure in measures
    }


def caution(measures: Sequence[SetMeasure], images: int, references: int) -> tuple[str, ...]:
    """What a reader must know of distances between sets of these sizes."""
    fewest = min(images, references)
    return tuple(
        f"{measure.name} of {fewest} images: biased upwards, not comparable with figures of other sets or counts "
        "(docs/metrics.md)"
        for measure in measures
        if fewest < FEW
    )


def _features(results: Sequence[Result], name: str) -> Tensor:
    return torch.stack([_unpacked(result.features[name]) for result in results])


def _packed(features_D: Tensor) -> str:
    return base64.b64encode(features_D.cpu().numpy().astype("<f4").tobytes()).decode("ascii")


def _unpacked(text: str) -> Tensor:
    return torch.from_numpy(np.frombuffer(base64.b64decode(text), "<f4").astype(np.float32))

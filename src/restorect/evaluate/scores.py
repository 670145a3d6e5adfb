"""The scores of one output under a protocol.

Shapes: output and target (1, 3, H, W), sRGB-encoded in [0, 1].
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor

from restorect.configs import require
from restorect.errors import ConfigError
from restorect.evaluate.protocols import Protocol
from restorect.metrics.pretrained import WeightsNeeded
from restorect.metrics.registry import METRICS, MetricInfo, Reference, Resources, load_metric

Better = Literal["higher", "lower"]
_USUAL = ("psnr", "ssim")
_USUAL_ALONE = ("niqe", "brisque", "biqi", "uciqe", "uiqm", "clip-iqa")
_CAPPED = ("psnr", "psnr-y")

IDENTICAL_DB = 100.0
"""PSNR of an output identical to its ground truth, which would be infinite and drown all others in a mean."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A metric as the evaluation uses it.

    Attributes:
        name: of the column.
        reference: what an output is compared with: the "target" (ground truth), the "input" or "none".
        better: which way is better.
        score: output (1, C, H, W) and reference of the same shape, or None, to a number.
        lacks: what it needs and has not got, "" when it is ready.
        identity: changes whenever its figures may.
    """

    name: str
    reference: Reference
    better: Better
    score: Callable[[Tensor, Tensor | None], float]
    lacks: str = ""
    identity: str = ""


def load_measure(info: MetricInfo, weights_dir: Path | None = None) -> Measure:
    """A metric of the registry, with what it lacks instead of an error where weights are missing."""
    better: Better = "higher" if info.higher_is_better else "lower"

    def lame(lacks: str) -> Measure:
        return Measure(name=info.name, reference=info.reference, better=better, score=_never, lacks=lacks)

    if info.per_set:
        return lame("a figure of whole sets, which this command does not compute")
    try:
        metric = load_metric(info.name, Resources(weights_dir=weights_dir))
    except WeightsNeeded as needed:
        return lame(str(needed))

    def score(output: Tensor, reference: Tensor | None) -> float:
        value = float(metric.score(output, reference))
        return min(value, IDENTICAL_DB) if info.name in _CAPPED else value

    return Measure(
        name=info.name,
        reference=info.reference,
        better=better,
        score=score,
        identity=" ".join([info.name, *_hashes(info, weights_dir)]),
    )


def choose_measures(
    names: Sequence[str] | None,
    *,
    paired: bool,
    protocol: Protocol,
    has_input: bool = True,
    weights_dir: Path | None = None,
) -> tuple[list[Measure], dict[str, str]]:
    """The metrics of these names, checked against the set and the protocol.

    Args:
        names: of the metrics, the main one first; None for PSNR and SSIM, or for the usual ones that need no ground
            truth where there is none.
        paired: the set has ground truth.
        protocol: how is measured.
        has_input: the set has the degraded photos.
        weights_dir: where metrics find what cannot be shipped.

    Returns:
        Metrics that can be computed, and those that cannot with what they lack.

    Raises:
        ConfigError: a name is unknown, the set or the protocol is not made for it, or none can be computed.
    """
    require(
        paired or not all(view.references_only for view in protocol.views),
        f"protocol {protocol.name} compares with a ground truth, and this set has none; use rgb-full",
    )
    asked = names if names is not None else (_USUAL if paired else _USUAL_ALONE)
    for name in asked:
        _check(name, paired, has_input, protocol)
    chosen = [load_measure(METRICS[name], weights_dir) for name in dict.fromkeys(asked)]
    lacking = {measure.name: measure.lacks for measure in chosen if measure.lacks}
    ready = [measure for measure in chosen if not measure.lacks]
    reasons = "; ".join(f"{name}: {why}" for name, why in lacking.items())
    require(bool(ready), f"no metric can be computed{f' ({reasons})' if reasons else ''}; choose of {_known()}")
    return ready, lacking


def described(weights_dir: Path | None = None) -> list[tuple[str, str, str, str]]:
    """All metrics: name, what they compare with, which way is better, and whether they are ready or what they lack."""
    measures = [load_measure(info, weights_dir) for info in METRICS.values()]
    return [(m.name, m.reference, m.better, m.lacks or "ready") for m in measures]


def _never(_output: Tensor, _reference: Tensor | None) -> float:
    raise ConfigError("this metric is not ready")


def _hashes(info: MetricInfo, weights_dir: Path | None) -> list[str]:
    """Of the files a metric reads, so that figures of other parameters are not taken for these."""
    files = [path for name in info.weights for path in sorted(weights_dir.glob(f"{name}.*"))] if weights_dir else []
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]


def _known() -> str:
    return ", ".join(METRICS)


def _check(name: str, paired: bool, has_input: bool, protocol: Protocol) -> None:
    require(name in METRICS, f"metric {name!r} is unknown; choose of {_known()}")
    reference = METRICS[name].reference
    require(
        paired or reference != "target",
        f"metric {name} compares with a ground truth, and this set has none; choose one without reference",
    )
    require(has_input or reference != "input", f"metric {name} compares with the degraded photo, and there is none")
    require(
        protocol.metrics is None or name in protocol.metrics,
        f"protocol {protocol.name} is defined for {', '.join(protocol.metrics or ())} only, not for {name}",
    )


def score_all(
    measures: Sequence[Measure],
    protocol: Protocol,
    output: Tensor,
    target: Tensor | None,
    source: Tensor | None = None,
) -> dict[str, float]:
    """All scores of one output: column names to finite numbers.

    Args:
        measures: the metrics.
        protocol: how is measured.
        output: what the method made.
        target: the ground truth, if there is one.
        source: the degraded photo, if there is one.

    Raises:
        ConfigError: a metric gave no finite number; the message names it.
        ValueError: an image does not suit a metric, for example because it is too small.
    """
    scores: dict[str, float] = {}
    for view in protocol.views:
        if view.references_only and target is None:
            continue
        seen, truth = output, target
        if view.prepare is not None and target is not None:
            seen, truth = view.prepare(output, target)
        references: dict[Reference, Tensor | None] = {"target": truth, "input": source, "none": None}
        for measure in measures:
            if view.references_only and measure.reference != "target":
                continue
            value = measure.score(seen, references[measure.reference])
            require(math.isfinite(value), f"metric {measure.name} gave {value}")
            scores[measure.name + view.suffix] = value
    return scores


def columns(measures: Sequence[Measure], protocol: Protocol, *, paired: bool) -> dict[str, Better]:
    """The columns that `score_all` will give, and which way each is better."""
    return {
        measure.name + view.suffix: measure.better
        for view in protocol.views
        if paired or not view.references_only
        for measure in measures
        if measure.reference == "target" or not view.references_only
    }

"""The scores of one output under a protocol.

Shapes: output and target (1, 3, H, W), sRGB-encoded in [0, 1].
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from restorect.configs import require
from restorect.errors import CheckpointError, ConfigError
from restorect.evaluate.protocols import Protocol
from restorect.metrics.eye import EYE
from restorect.metrics.pretrained import PRETRAINED, WeightsNeeded, WeightsSource, find_weights, source_of
from restorect.metrics.registry import METRICS, Better, MetricInfo, Reference, Resources, load_metric, load_set_metric

_USUAL = ("psnr", "ssim")
_USUAL_ALONE = ("niqe", *EYE, "brisque", "biqi", "uciqe", "uiqm", "clip-iqa")
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
        sources: the files it was loaded from.
        may_be_undefined: a photograph may have nothing that it could judge; it is left out of this column then.
    """

    name: str
    reference: Reference
    better: Better
    score: Callable[[Tensor, Tensor | None], float]
    lacks: str = ""
    sources: tuple[WeightsSource, ...] = ()
    may_be_undefined: bool = False

    @property
    def identity(self) -> str:
        """Changes whenever its figures may."""
        return " ".join([self.name, *(source.sha256 for source in self.sources)])


def load_measure(info: MetricInfo, weights_dir: Path | None = None) -> Measure:
    """A metric of single images, with what it lacks instead of an error where weights are missing.

    Raises:
        CheckpointError: a file of weights is another than the published one, or does not fit.
    """
    try:
        metric = load_metric(info.name, Resources(weights_dir=weights_dir))
    except WeightsNeeded as needed:
        return Measure(name=info.name, reference=info.reference, better=info.better, score=_never, lacks=str(needed))

    def score(output: Tensor, reference: Tensor | None) -> float:
        value = float(metric.score(output, reference))
        return min(value, IDENTICAL_DB) if info.name in _CAPPED else value

    return Measure(
        name=info.name,
        reference=info.reference,
        better=info.better,
        score=score,
        sources=_sources(info, weights_dir),
        may_be_undefined=info.may_be_undefined,
    )


def choose_measures(
    names: Sequence[str] | None,
    *,
    paired: bool,
    protocol: Protocol,
    has_input: bool = True,
    weights_dir: Path | None = None,
) -> tuple[list[Measure], dict[str, str]]:
    """The metrics of single images among these names, checked against the set and the protocol.

    Args:
        names: of the metrics, the main one first; None for PSNR and SSIM, or for the usual ones that need no ground
            truth where there is none. Those of whole sets are left to `restorect.evaluate.set_scores`.
        paired: the set has ground truth.
        protocol: how is measured.
        has_input: the set has the degraded photos.
        weights_dir: where metrics find what cannot be shipped.

    Returns:
        Metrics that can be computed, and those that cannot with what they lack.

    Raises:
        ConfigError: a name is unknown, the set or the protocol is not made for it, or none can be computed.
        CheckpointError: a file of weights is another than the published one, or does not fit.
    """
    require(
        paired or not all(view.references_only for view in protocol.views),
        f"protocol {protocol.name} compares with a ground truth, and this set has none; use rgb-full",
    )
    asked = [n for n in (names if names is not None else (_USUAL if paired else _USUAL_ALONE)) if not is_of_sets(n)]
    whole = ", ".join(filter(is_of_sets, names or ()))
    require(bool(asked) or not whole, f"{whole} is of the whole set: give a metric of single images too, psnr,{whole}")
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
    return [(info.name, info.reference, info.better, _state(info, weights_dir)) for info in METRICS.values()]


def is_of_sets(name: str) -> bool:
    """Whether that is a metric of whole sets, as FID."""
    return name in METRICS and METRICS[name].per_set


def _state(info: MetricInfo, weights_dir: Path | None) -> str:
    load = load_set_metric if info.per_set else load_metric
    try:
        load(info.name, Resources(weights_dir=weights_dir))
    except (WeightsNeeded, CheckpointError) as error:
        return str(error)
    return "ready"


def _never(_output: Tensor, _reference: Tensor | None) -> float:
    raise ConfigError("this metric is not ready")


def _sources(info: MetricInfo, weights_dir: Path | None) -> tuple[WeightsSource, ...]:
    """The files of a metric that was loaded, so that figures of other parameters are not taken for these."""
    fitted = Resources(weights_dir=weights_dir).parameters
    files = {name: find_weights(name, weights_dir) if name in PRETRAINED else fitted(name) for name in info.weights}
    return tuple(source_of(name, path, path.read_bytes()) for name, path in files.items() if path is not None)


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
    check_protocol(name, protocol)


def check_protocol(name: str, protocol: Protocol) -> None:
    """Refuse a metric that a protocol is not defined for.

    Raises:
        ConfigError: the message names those it is defined for.
    """
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
    """All scores of one output: column names to finite numbers; none where a metric has nothing to judge.

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
            if measure.may_be_undefined and math.isnan(value):
                continue
            require(math.isfinite(value), f"metric {measure.name} gave {value}")
            scores[measure.name + view.suffix] = value
    return scores


def columns(measures: Sequence[Measure], protocol: Protocol, *, paired: bool) -> dict[str, Better]:
    """The columns that `score_all` may give, and which way each is better."""
    return {
        measure.name + view.suffix: measure.better
        for view in protocol.views
        if paired or not view.references_only
        for measure in measures
        if measure.reference == "target" or not view.references_only
    }

"""One file of a metric's parameters: float64 tensors, and in its metadata the metric and their origin."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from restorect.checksums import read_metadata
from restorect.errors import CheckpointError
from restorect.files import write_atomically
from restorect.metrics.pretrained import WeightsNeeded

FORMAT_VERSION = 1

_KEYS = {
    "niqe": {"mean", "covariance"},
    "brisque": {"low", "high", "support", "coefficients", "gamma"},
    "biqi": {"low", "high", "support", "coefficients", "gamma"},
}


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Tensors of one metric, and `origin`: what they were fitted on, in words and numbers."""

    metric: str
    tensors: Mapping[str, Tensor]
    origin: Mapping[str, str | int | float] = field(default_factory=dict)


def write_parameters(path: Path, parameters: Parameters, *, replace: bool = False) -> None:
    """Write a file of parameters, whole or not at all.

    Raises:
        FileExistsError: something stands at `path` and `replace` is false.
        OSError: the system refuses.
    """
    header = {"format": str(FORMAT_VERSION), "metric": parameters.metric, "origin": json.dumps(dict(parameters.origin))}
    tensors = {name: tensor.double().contiguous() for name, tensor in parameters.tensors.items()}
    write_atomically(path, save(tensors, metadata=header), replace=replace)


def read_parameters(source: Path | bytes, *, metric: str, name: str | None = None) -> Parameters:
    """Read a file of parameters of one metric.

    Raises:
        CheckpointError: it cannot be read, is for another metric or version, or lacks a tensor.
    """
    label = name or str(source)
    try:
        content = source.read_bytes() if isinstance(source, Path) else source
        tensors, header = load(content), read_metadata(content)
        origin = json.loads(header.get("origin", "{}"))
    except (OSError, SafetensorError, ValueError) as error:
        raise CheckpointError(f"{label}: cannot be read as a file of parameters; fit it again") from error
    if header.get("format") != str(FORMAT_VERSION) or header.get("metric") != metric:
        found = f"{header.get('metric')!r}, format {header.get('format')}"
        raise CheckpointError(f"{label}: needs parameters of {metric!r}, format {FORMAT_VERSION}, found {found}")
    if set(tensors) != _KEYS[metric]:
        raise CheckpointError(f"{label}: holds {sorted(tensors)}, expected {sorted(_KEYS[metric])}; fit it again")
    return Parameters(metric=metric, tensors=tensors, origin=origin)


def fitted_parameters(file: Path | None, metric: str) -> Parameters:
    """The parameters in a file that `restorect metrics fit-NAME` wrote.

    Raises:
        WeightsNeeded: there is no file.
        CheckpointError: it holds something else.
    """
    if file is None or not file.is_file():
        made = f"make them with restorect metrics fit-{metric}"
        raise WeightsNeeded(f"needs parameters {metric}, see docs/metrics.md ({made})")
    return read_parameters(file, metric=metric)

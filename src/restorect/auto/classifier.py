"""The classifier: standardised statistics, one hidden layer, a softmax; numpy alone, so that it starts at once.

Shapes: x_BF statistics, F = `statistics.COUNT`; weights as in `Layers`.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from restorect.auto.decision import NOTHING, Decision
from restorect.auto.statistics import COUNT, Floats, statistics, thumbnail
from restorect.checksums import CHECKSUM_KEY, DESCRIPTION_KEY, read_metadata, tensor_checksum
from restorect.configs import from_mapping, read_json, require
from restorect.errors import CheckpointError, ConfigError
from restorect.weights.catalogue import check_shipped

FORMAT_VERSION = 1
LIMIT = 4.0
"""Standardised statistics are cut here, so that an odd photograph does not run away from all that was learnt."""
LAYERS = ("mean", "scale", "weight_1", "bias_1", "weight_2", "bias_2")


@dataclass(frozen=True, kw_only=True)
class ClassifierCard:
    """What a classifier is.

    Attributes:
        classes: in the order of its outputs; one of them is "none".
        thresholds: for each task, it is restored only where "none" is less probable than this.
        sure: for each task, it is restored mildly where "none" is not less probable than this; without, never.
        data: what it was trained on.
        licence: of the weights.
        metrics: figures by the name of the set of photos.
    """

    classes: tuple[str, ...]
    thresholds: dict[str, float]
    sure: dict[str, float] | None = None
    data: tuple[str, ...] = ()
    licence: str = "Apache-2.0"
    metrics: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        require(NOTHING in self.classes, f"classes: one must be {NOTHING!r}, got {', '.join(self.classes)}")
        tasks = set(self.classes) - {NOTHING}
        for name, limits in (("thresholds", self.thresholds), ("sure", self.sure)):
            whole = limits is None or set(limits) == tasks
            require(whole, f"{name}: give one for each of {', '.join(sorted(tasks))}")
        for task, limit in (self.sure or {}).items():
            highest = self.thresholds[task]
            require(limit <= highest, f"sure: {task} {limit} is above its threshold {highest}")


def is_classifier(path: Path) -> bool:
    """Whether a file calls itself a classifier; whether it is a whole one, loading it tells."""
    try:
        description = read_json(read_metadata(path.read_bytes())[DESCRIPTION_KEY])
    except (OSError, KeyError, ValueError):
        return False
    return isinstance(description, dict) and "classes" in description


class Classifier:
    """Tells which kind of damage a photograph has.

    Args:
        layers: float32 arrays by the names in `LAYERS`: mean (F,), scale (F,), weight_1 (F, N), bias_1 (N,),
            weight_2 (N, C), bias_2 (C,).
        card: what the classes are, and when to restore.
        weights_hash: SHA-256 of the file.
    """

    def __init__(self, layers: dict[str, NDArray[Any]], card: ClassifierCard, weights_hash: str) -> None:
        self._layers = {name: layers[name].astype(np.float32) for name in LAYERS}
        self.card, self.weights_hash = card, weights_hash

    @classmethod
    def load(cls, path: Path) -> "Classifier":
        """Read a classifier; every array and shape must fit.

        Raises:
            CheckpointError: the file is missing, damaged, of another kind or of another version.
        """
        if not path.is_file():
            raise CheckpointError(f"{path}: no such weight file; give --task, or install the package again")
        try:
            content = path.read_bytes()
            layers = load(content)
            description = read_json(read_metadata(content)[DESCRIPTION_KEY])
            version, kind = description.pop("format_version"), description.pop("kind")
            checksum = description.pop(CHECKSUM_KEY, None)
            if (version, kind) != (FORMAT_VERSION, "classifier"):
                raise CheckpointError(f"{path}: holds a {kind} of version {version}, not a classifier of version 1")
            card = from_mapping(ClassifierCard, description)
        except (SafetensorError, OSError, KeyError, ValueError, AttributeError, TypeError, ConfigError) as error:
            raise CheckpointError(f"{path}: not a usable classifier ({error}); train or fetch it again") from error
        _check_shapes(path, layers, len(card.classes))
        if checksum is not None and checksum != tensor_checksum(content):
            raise CheckpointError(
                f"{path}: its weights do not fit their check sum: the copy is damaged, fetch it again"
            )
        weights_hash = hashlib.sha256(content).hexdigest()
        check_shipped(path, weights_hash)
        return cls(layers, card, weights_hash)

    def probabilities(self, x_BF: Floats) -> Floats:
        """Probability of each class, (B, C)."""
        net = self._layers
        x_BF = ((x_BF - net["mean"]) / net["scale"]).clip(-LIMIT, LIMIT)
        hidden = np.maximum(x_BF @ net["weight_1"] + net["bias_1"], 0)
        logits = hidden @ net["weight_2"] + net["bias_2"]
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)

    def decide(self, picture: Floats) -> Decision:
        """Tell the kind of damage of a photograph (H, W, 3), sRGB-encoded, in [0, 1]."""
        return self.judge(self.probabilities(statistics(thumbnail(picture))[None])[0])

    def judge(self, probabilities_C: Floats) -> Decision:
        """The decision for given probabilities: in doubt, a photograph is left as it is."""
        by_class = dict(zip(self.card.classes, map(float, probabilities_C), strict=True))
        nothing = by_class.pop(NOTHING)
        task = max(by_class, key=by_class.__getitem__)
        if nothing >= self.card.thresholds[task]:
            return Decision(task=NOTHING, confidence=nothing)
        sure = self.card.sure or self.card.thresholds
        return Decision(task=task, confidence=by_class[task], mild=nothing >= sure[task])


def pack(layers: dict[str, NDArray[Any]], card: ClassifierCard) -> bytes:
    """The content of a classifier's file."""
    tensors = {name: np.ascontiguousarray(layers[name], dtype=np.float32) for name in LAYERS}
    description = {"format_version": FORMAT_VERSION, "kind": "classifier", **asdict(card)}
    description[CHECKSUM_KEY] = tensor_checksum(save(tensors))
    return save(tensors, metadata={DESCRIPTION_KEY: json.dumps(description)})


def _check_shapes(path: Path, layers: dict[str, NDArray[Any]], classes: int) -> None:
    if set(layers) != set(LAYERS):
        raise CheckpointError(f"{path}: holds {', '.join(sorted(layers)) or 'nothing'}, not {', '.join(LAYERS)}")
    width = layers["bias_1"].size
    shapes = ((COUNT,), (COUNT,), (COUNT, width), (width,), (width, classes), (classes,))
    for name, shape in zip(LAYERS, shapes, strict=True):
        if layers[name].shape != shape:
            raise CheckpointError(f"{path}: {name} has shape {layers[name].shape}, expected {shape}; fetch it again")

"""What an exported graph says of itself: JSON in the ONNX file's metadata, under the key of our weight files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from restorect.checksums import DESCRIPTION_KEY
from restorect.configs import from_mapping, read_json, require, to_mapping
from restorect.errors import ConfigError, ExportError, RestorectError, shown
from restorect.export.extra import needed
from restorect.files import open_regular

FORMAT_VERSION = 2
_MOST_BYTES = 2 * 2**30  # of a protobuf


@dataclass(frozen=True, kw_only=True)
class GraphCard:
    """What a graph is.

    Attributes:
        part: which of the graphs.
        task: what it restores.
        size: the network's size.
        flow: how the codes are generated.
        start: where `restorect restore` starts it: "mean" is zeros as noise.
        steps: of the flow.
        before: steps in front of the network.
        after: steps behind it.
        omitted: steps of the restoration that are not in the graph, and why.
        sides: height and width that the decoder takes, "any" or for example "400x600".
        numbers: how weights are stored.
        inputs: what goes in, by name.
        outputs: what comes out, by name.
        checked: how far it was found from torch, and where.
        weights: SHA-256 of the weight file that it was made of.
        data: what the network was trained on.
        licence: of the weights.
        notice: what whoever restores such photos is to be told.
        notes: what else is to be known.
    """

    part: Literal["encoder", "decoder", "fusion"]
    task: str
    size: str
    flow: str
    start: Literal["mean", "noise"]
    steps: int
    before: tuple[Any, ...]
    after: tuple[Any, ...]
    omitted: dict[str, str]
    sides: str
    numbers: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    checked: dict[str, Any] = field(default_factory=dict)
    weights: str
    data: tuple[str, ...]
    licence: str
    notice: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for step in (*self.before, *self.after):
            fits = isinstance(step, dict) and len(step) == 1 and isinstance(next(iter(step.values())), dict)
            require(fits, f"each step is a name with its settings, not {str(step)[:80]!r}")
        found, sizes = self.checked.get("largest_difference"), self.checked.get("sizes")
        fits = isinstance(found, float) and isinstance(sizes, list) and all(isinstance(size, str) for size in sizes)
        require(not self.checked or fits, "checked: a difference and the sizes are needed")


def described(model: bytes, card: GraphCard) -> bytes:
    """An ONNX file with this card in it, in place of one that is there."""
    onnx = needed("onnx")
    graph = onnx.load_model_from_string(model)
    text = json.dumps({"format_version": FORMAT_VERSION, **to_mapping(card)})
    onnx.helper.set_model_props(graph, {DESCRIPTION_KEY: text})
    content: bytes = graph.SerializeToString()
    return content


def read_card(path: Path) -> GraphCard:
    """The card of an ONNX file.

    Raises:
        ExportError: the file is missing, damaged, not one of restorect's, or of another version.
    """
    content = _content(path)
    onnx = needed("onnx")
    try:
        metadata = {entry.key: entry.value for entry in onnx.load_model_from_string(content).metadata_props}
    except Exception as error:  # whatever protobuf says of bytes that are none
        raise ExportError(f"{shown(path)}: is no ONNX file; export it again") from error
    return card_in(metadata, path)


def card_in(metadata: Mapping[str, str], path: Path) -> GraphCard:
    """The card in the metadata of an ONNX file.

    Args:
        metadata: as onnx or onnxruntime gives it.
        path: of the file, for messages.

    Raises:
        ExportError: there is none, or one of another version.
    """
    try:
        values = read_json(metadata[DESCRIPTION_KEY])
        version = values.pop("format_version")
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise ExportError(f"{shown(path)}: not exported by restorect (it carries no card)") from error
    if version != FORMAT_VERSION:
        other = f"exported in version {shown(version)}, this restorect reads {FORMAT_VERSION}"
        raise ExportError(f"{shown(path)}: {other}; export it again")
    try:
        return from_mapping(GraphCard, values)
    except ConfigError as error:
        raise ExportError(f"{shown(path)}: its card is not understood ({error}); export it again") from error


def _content(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            content = file.read(_MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, RestorectError, ValueError) as error:
        raise ExportError(f"{shown(path)}: no such file; give the path of an .onnx file") from error
    except OSError as error:
        raise ExportError(f"{shown(path)}: cannot be read ({error.strerror}); give a file that you may read") from error
    if len(content) > _MOST_BYTES:
        raise ExportError(f"{shown(path)}: is too large for an ONNX file; give another one")
    return content

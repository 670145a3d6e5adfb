"""What restores by onnxruntime, for one task or for whatever each photograph needs."""

from collections.abc import Callable
from pathlib import Path

from restorect.auto.decision import AUTO
from restorect.engine.auto import OnnxAuto
from restorect.engine.cache import prepared
from restorect.engine.graphs import load_graphs
from restorect.engine.limits import check_place
from restorect.engine.restorer import OnnxRestorer
from restorect.errors import CheckpointError, shown
from restorect.export.extra import needed
from restorect.files import file_hash as hash_file
from restorect.infer.auto_choice import Choice
from restorect.weights.catalogue import check_shipped, shipped_weights

Tell = Callable[[str], None]


def load(
    task: str,
    size: str,
    *,
    device: str = "cpu",
    weights: Path | None = None,
    precision: str = "float32",
    tell: Tell = lambda line: None,
) -> OnnxRestorer | OnnxAuto:
    """Load what restores without torch; where its graphs are not in the cache yet, they are prepared by torch first.

    Args:
        task: what to restore, or "auto"; not looked at when `weights` is given.
        size: of a shipped network, likewise.
        device: "cpu" or "auto".
        weights: a file of one's own.
        precision: "float32".
        tell: gets one line where graphs must be prepared, and what is to be known of a task once its graphs are loaded.

    Raises:
        CheckpointError: there are no such weights, or they are not the file that was shipped.
        ConfigError: it is another precision, or weights that start from noise.
        DeviceError: it is another device.
        ExportError: onnxruntime is not installed, or graphs cannot be prepared or loaded.
    """
    check_place(device, precision)
    needed("onnxruntime")
    if weights is not None or task != AUTO:
        return _one(weights if weights is not None else shipped_weights(task, size), tell)
    return OnnxAuto(Choice.load(size), lambda path: _one(path, tell))


def _one(path: Path, tell: Tell) -> OnnxRestorer:
    if not path.is_file():
        raise CheckpointError(f"{shown(path)}: no such weight file; give the path of a .safetensors checkpoint")
    weights_hash = hash_file(path)
    check_shipped(path, weights_hash)
    line = f"preparing the graphs of {shown(path.stem)} for --engine onnx: once, about 20 seconds"
    graphs = load_graphs(prepared(path, weights_hash, lambda: tell(line)), weights_hash)
    if graphs.card.notice:
        tell(graphs.card.notice)
    return OnnxRestorer(graphs)

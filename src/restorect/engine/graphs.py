"""The graphs of a restoration, loaded and checked to be what they should be."""

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restorect.configs import require
from restorect.errors import ExportError, shown
from restorect.export.card import GraphCard, card_in
from restorect.export.extra import needed

_MOST_THREADS = 256
_threads: list[int] = []  # as torch's, a setting of the process


@dataclass(frozen=True, kw_only=True)
class Graphs:
    """Graphs by their parts: "encoder", "decoder", and "fusion" where there is that step.

    Attributes:
        sessions: of onnxruntime.
        card: of the decoder.
    """

    sessions: Mapping[str, Any]
    card: GraphCard

    def run(self, part: str, **inputs: Any) -> list[Any]:  # noqa: ANN401
        """The outputs of a graph."""
        outputs: list[Any] = self.sessions[part].run(None, inputs)
        return outputs


def use_threads(threads: int) -> None:
    """Set the threads of all graphs that are loaded from now on.

    Raises:
        ConfigError: the number is out of range.
    """
    require(1 <= threads <= _MOST_THREADS, f"threads is {threads}; it must be from 1 to {_MOST_THREADS}")
    _threads[:] = [threads]


def load_graphs(folder: Path, weights_hash: str) -> Graphs:
    """The optimised graphs in a folder.

    Args:
        folder: as `restorect export` writes it.
        weights_hash: of the weights that they must be made of.

    Raises:
        ExportError: one is missing, damaged, of another version, or made of other weights.
    """
    sessions: dict[str, Any] = {}
    cards: dict[str, GraphCard] = {}
    for part in ("encoder", "decoder", "fusion"):
        if part == "fusion" and part not in cards["decoder"].omitted:
            continue
        path = folder / f"{part}.optimised.onnx"
        sessions[part] = _session(path)
        card = cards[part] = _card(sessions[part], path)
        if (card.part, card.weights) != (part, weights_hash):
            raise ExportError(f"{shown(path)}: is another graph than the one wanted; {_again(path)}")
    return Graphs(sessions=sessions, card=cards["decoder"])


def _card(session: Any, path: Path) -> GraphCard:  # noqa: ANN401
    try:
        return card_in(session.get_modelmeta().custom_metadata_map, path)
    except ExportError as error:
        raise ExportError(f"{shown(path)}: not exported by this version of restorect; {_again(path)}") from error


@functools.cache
def _runtime() -> Any:  # noqa: ANN401 - onnxruntime has no types
    """The library, with one store of memory for all graphs: what one has used the next need not ask the system for."""
    runtime = needed("onnxruntime")
    kind = runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    runtime.create_and_register_allocator(runtime.OrtMemoryInfo("Cpu", kind, 0, runtime.OrtMemType.DEFAULT), None)
    return runtime


def _session(path: Path) -> Any:  # noqa: ANN401
    runtime = _runtime()
    options = runtime.SessionOptions()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL  # they are optimised already
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # threads that wait shall not burn time
    options.intra_op_num_threads = _threads[0] if _threads else _wished()
    options.log_severity_level = 4  # errors are raised too
    try:
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has its own kinds, all of them children of this
        reason = " ".join(str(error).split())[:200]
        raise ExportError(f"{shown(path)}: cannot be loaded ({shown(reason)}); {_again(path)}") from error


def _wished() -> int:
    """Threads as the environment says it for torch; 0 lets onnxruntime choose."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return int(text) if text.isdecimal() and 0 < int(text) <= _MOST_THREADS else 0


def _again(path: Path) -> str:
    return f"remove {shown(path.parent)} and run the same command again"

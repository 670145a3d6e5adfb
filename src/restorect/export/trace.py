"""From the two networks to ONNX files: torch's exporter by tracing, weights in half precision, onnxruntime's optimiser.

torch's newer exporter (`dynamo=True`) takes five times as long for twice the file, and needs two more libraries.
"""

import io
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from restorect.export.extra import needed

OPSET = 18
_SMALL = 256  # numbers: of tensors up to so many nothing is saved


def traced(
    network: nn.Module,
    arguments: tuple[Tensor, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    free: Sequence[str],
) -> bytes:
    """A network as an ONNX file.

    Args:
        network: in eval mode.
        arguments: what it is traced with.
        inputs: their names.
        outputs: names of the results.
        free: names of images, of inputs and outputs, whose height and width may be any.
    """
    file = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter is an old one, and it warns of every Python number that comes from a shape: those of the batch,
        # which is 1. That sides are no constants is checked at other sizes.
        tracer: type[Warning] = torch.jit.TracerWarning  # type: ignore[attr-defined]
        for category in (DeprecationWarning, FutureWarning, UserWarning, tracer):
            warnings.simplefilter("ignore", category)
        torch.onnx.export(
            network,
            arguments,
            file,  # type: ignore[arg-type]  # a file, as its docstring says
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: {2: "height", 3: "width"} for name in (*inputs, *outputs) if name in free},
        )
    results = network(*arguments)
    results = results if isinstance(results, tuple) else (results,)
    ends = [dict(zip(inputs, arguments, strict=True)), dict(zip(outputs, results, strict=True))]
    return _declared(file.getvalue(), *({n: _shape(t, n in free) for n, t in end.items()} for end in ends))


def _shape(tensor: Tensor, free: bool) -> tuple[int | str, ...]:
    return (*tensor.shape[:2], "height", "width") if free else tuple(tensor.shape)


def _declared(model: bytes, inputs: dict[str, Any], outputs: dict[str, Any]) -> bytes:
    """The file with these inputs and outputs, by name and shape.

    The exporter leaves out inputs that a network does not look at, and does not know all shapes of results; who runs
    the graph need not know which these are.
    """
    onnx = needed("onnx")
    graph = onnx.load_model_from_string(model)
    for values, shapes in ((graph.graph.input, inputs), (graph.graph.output, outputs)):
        del values[:]
        numbers = onnx.TensorProto.FLOAT
        values.extend(onnx.helper.make_tensor_value_info(name, numbers, shape) for name, shape in shapes.items())
    content: bytes = graph.SerializeToString()
    return content


def halved(model: bytes) -> bytes:
    """The same file with its larger tensors stored as float16; they become float32 again when it is loaded."""
    onnx = needed("onnx")
    graph = onnx.load_model_from_string(model)
    casts: list[Any] = []
    for tensor in graph.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size <= _SMALL or np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    content: bytes = graph.SerializeToString()
    return content


def optimised(model: bytes) -> bytes:
    """The same as onnxruntime rewrites it for processors, so that it need not at each start.

    Not with the last level, whose layouts go with one processor's registers.
    """
    runtime = needed("onnxruntime")
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "optimised.onnx"
        options.optimized_model_filepath = str(path)
        runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return _numbered(path.read_bytes())


def _numbered(model: bytes) -> bytes:
    """The same file with numbers in place of the names within it.

    onnxruntime makes, compares and copies names for each of thousands of nodes: a fifth of the time that loading takes.
    """
    onnx = needed("onnx")
    graph = onnx.load_model_from_string(model)
    names = {each.name: each.name for each in (*graph.graph.input, *graph.graph.output)} | {"": ""}
    for tensor in graph.graph.initializer:
        tensor.name = names.setdefault(tensor.name, f"{len(names):x}")
    for node in graph.graph.node:
        node.name = node.doc_string = ""
        node.input[:], node.output[:] = (
            [names.setdefault(name, f"{len(names):x}") for name in side] for side in (node.input, node.output)
        )
    del graph.graph.value_info[:]
    content: bytes = graph.SerializeToString()
    return content

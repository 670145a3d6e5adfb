"""Weight files of format 1 brought up to format 2: the same numbers under today's names, settings as steps.

In format 1 a student's config held the repairs around it, and five switches shaped the ends of its transformer. All
networks that were ever shipped had all five on or, the first teachers, the two that carry weights.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from restorect.checksums import CHECKSUM_KEY, DESCRIPTION_KEY, read_metadata, tensor_checksum
from restorect.configs import read_json
from restorect.errors import CheckpointError
from restorect.files import write_atomically
from restorect.nets.checkpoint import FORMAT_VERSION, read_content
from restorect.nets.detail import BANDS

_SWITCHES = ("gain", "tone", "shoulder", "unlattice", "detail")
_ENDS = ("tone.", "embed.", "output.", "detail.")
_STUDENT = ("transformer", "conditions", "velocity", "steps", "method", "start", "flow")


def migrate(source: Path, target: Path) -> None:
    """Write a weight file of format 1 as one of today's.

    Raises:
        CheckpointError: the source is not of format 1, or of a network that is no more.
    """
    content = read_content(source)
    try:
        tensors, description = load(content), read_json(read_metadata(content)[DESCRIPTION_KEY])
        version, kind, config = description["format_version"], description["kind"], description["config"]
        checksum = description.get(CHECKSUM_KEY)
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{source}: not a restorect checkpoint of format 1; give another file") from error
    if version != 1:
        raise CheckpointError(f"{source}: is of format {version}; only files of format 1 are migrated")
    if checksum not in (None, tensor_checksum(content)):
        raise CheckpointError(f"{source}: its weights do not fit their check sum: the copy is damaged, fetch it again")
    if kind != "decomposition":
        tensors, config = _ends(source, tensors, config)
    if kind == "student":
        tensors = {_student_name(name): tensor for name, tensor in tensors.items()}
        config = steps_of(config, description["task"])
    description |= {"format_version": FORMAT_VERSION, "config": config}
    description[CHECKSUM_KEY] = tensor_checksum(save(tensors))
    write_atomically(target, save(tensors, metadata={DESCRIPTION_KEY: json.dumps(description)}))


def steps_of(config: Mapping[str, Any], task: str) -> dict[str, Any]:
    """What a student's config of format 1 says, as that of a restoration."""
    balance = dict(config.get("balance") or {})
    trust, net = config.get("exposure_trust", 1.0), config.get("exposure")
    after: list[dict[str, Any]] = []
    if balance:
        after.append({"keep": {"share": balance.pop("keep", 0.0)}})
    if trust < 1 or net is not None:
        source = "net" if net else "seen" if balance else "constant"
        exposure = {"trust": trust, "source": source, "mean": config.get("exposure_mean", 0.45)}
        after.append({"exposure": exposure | ({"net": net} if net else {})})
    if config.get("hue", False):
        after.append({"hue": {}})
    if config.get("floor", 0.0) > 0:
        after.append({"floor": {"share": config["floor"]}})
    if task == "fundus":
        after.append({"field-of-view": {}})
    student = {name: config[name] for name in _STUDENT if name in config}
    return {"student": student, "before": [{"balance": balance}] if balance else [], "after": after}


def _student_name(name: str) -> str:
    return f"after.exposure.net.{name.removeprefix('exposure.')}" if name.startswith("exposure.") else f"student.{name}"


def _ends(source: Path, tensors: dict[str, Tensor], config: dict[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and config with the ends of the transformer as a stem."""
    shape = dict(config.get("transformer", {}))
    on = [bool(shape.pop(switch, False)) for switch in _SWITCHES]
    folded = shape.get("stem", 1) > 1
    if on[:2] != [folded, folded] or (any(on[2:]) and not folded):
        raise CheckpointError(f"{source}: its transformer has ends that no network has any more; train it again")
    renamed = {_end_name(name): tensor for name, tensor in tensors.items()}
    if folded and not on[4]:
        output = tensors["transformer.output.weight"]
        factors = torch.zeros(BANDS * output.shape[0] // 2, output.shape[1], 1, 1, dtype=output.dtype)
        renamed["transformer.stem.detail.factors.weight"] = factors
    return renamed, {**config, "transformer": shape}


def _end_name(name: str) -> str:
    inner = name.removeprefix("transformer.")
    return f"transformer.stem.{inner}" if name != inner and inner.startswith(_ENDS) else name

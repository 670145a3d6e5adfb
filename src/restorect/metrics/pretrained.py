"""Weights that others published and that cannot be shipped: which files, where from, and how they are checked.

Nothing here unpickles: files are `safetensors`, or what `torch.load(weights_only=True)` accepts.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor, nn

from restorect.errors import CheckpointError, RestorectError


class WeightsNeeded(RestorectError):  # noqa: N818 - reads as what a table's column says
    """A metric's weights or parameters are not on this machine; its column says so instead of showing a figure."""


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """One published file of weights.

    Attributes:
        file: its published name, looked for in the weights folder; `<stem>.safetensors` beside it is taken first.
        sha256: the published checksum of `file`, or as many of its first hex digits as were published; None: unknown.
        origin: who published it, and under which licence.
    """

    file: str
    sha256: str | None
    origin: str


_TORCHVISION = "torchvision, ImageNet; BSD-3-Clause code, weights under ImageNet's terms"
_LPIPS = "lpips 0.1.4, weights/v0.1 (also in the torchmetrics package); BSD-2-Clause"
_ALEX = "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"
_VGG = "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"

PRETRAINED: Mapping[str, Pretrained] = {
    "alexnet": Pretrained(file="alexnet-owt-7be5be79.pth", sha256="7be5be79", origin=_TORCHVISION),
    "vgg16": Pretrained(file="vgg16-397923af.pth", sha256="397923af", origin=_TORCHVISION),
    "lpips-alex": Pretrained(file="alex.pth", sha256=_ALEX, origin=_LPIPS),
    "lpips-vgg": Pretrained(file="vgg.pth", sha256=_VGG, origin=_LPIPS),
    "inception-fid": Pretrained(
        file="pt_inception-2015-12-05-6726825d.pth",
        sha256="6726825d",
        origin="pytorch-fid, ported from TensorFlow's inception-2015-12-05; Apache-2.0",
    ),
    "clip-rn50": Pretrained(
        file="clip-rn50.safetensors",
        sha256=None,
        origin="OpenAI CLIP RN50, its state dict saved as safetensors (docs/metrics.md says how); MIT",
    ),
}
"""Every file that a metric may ask for, by the name its error message uses."""


@dataclass(frozen=True, kw_only=True)
class WeightsSource:
    """Where the numbers of a metric came from, for the record of a result.

    Attributes:
        name: key in `PRETRAINED`.
        sha256: the checksum of the very file that was read.
        published: it was read under its published name, and must therefore have its published checksum.
    """

    name: str
    sha256: str
    published: bool


def find_weights(name: str, folder: Path | None) -> Path | None:
    """The file in a folder that `read_weights` would read, if there is one."""
    if folder is None:
        return None
    files = (str(Path(PRETRAINED[name].file).with_suffix(".safetensors")), PRETRAINED[name].file)
    return next((folder / file for file in files if (folder / file).is_file()), None)


def source_of(name: str, path: Path, content: bytes) -> WeightsSource:
    """What the record of a result says of a file of weights or parameters."""
    entry = PRETRAINED.get(name)
    published = entry is not None and entry.sha256 is not None and path.name == entry.file
    return WeightsSource(name=name, sha256=hashlib.sha256(content).hexdigest(), published=published)


def read_weights(name: str, folder: Path | None) -> tuple[dict[str, Tensor], WeightsSource]:
    """Read one of `PRETRAINED` from a folder, and check it against its published checksum.

    Raises:
        WeightsNeeded: no folder was given, or the file is not in it.
        CheckpointError: the file is another than the published one, or cannot be read.
    """
    entry = PRETRAINED[name]
    path = find_weights(name, folder)
    if path is None:
        where = "give --weights-dir" if folder is None else f"put {entry.file} into {folder}"
        raise WeightsNeeded(f"needs weights {name}, see docs/metrics.md ({where})")
    content = path.read_bytes()
    source = source_of(name, path, content)
    if source.published and not source.sha256.startswith(str(entry.sha256)):
        found = source.sha256[:16]
        raise CheckpointError(f"{path}: sha256 {found}... is not the published {entry.sha256}; fetch it again")
    return _tensors(path, content), source


def fill(module: nn.Module, state: Mapping[str, Tensor], name: str, *, unused: tuple[str, ...] = ()) -> None:
    """Load weights into a module strictly, in float32, freeze it and set it to evaluation.

    Args:
        module: the network, with the published key layout.
        state: what `read_weights` returned.
        name: the file's name for messages.
        unused: beginnings of keys that the published file has and this network does not need.

    Raises:
        CheckpointError: a key is missing, too many, or of another shape.
    """
    own = {k: v for k, v in module.state_dict().items() if not k.endswith("num_batches_tracked")}
    given = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked") and not k.startswith(unused)}
    for key in sorted(own.keys() ^ given.keys()):
        fault = "lack" if key in own else "have an unknown"
        raise CheckpointError(f"{name}: the weights {fault} key {key!r}; fetch the file again")
    for key, value in own.items():
        if value.shape != given[key].shape:
            found, expected = tuple(given[key].shape), tuple(value.shape)
            raise CheckpointError(f"{name}: {key!r} has shape {found}, expected {expected}; fetch the file again")
    module.load_state_dict({k: v.float() for k, v in given.items()}, strict=False)
    module.eval().requires_grad_(False)


def _tensors(path: Path, content: bytes) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_safetensors(content)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise CheckpointError(f"{path}: is no file of weights that can be read safely; fetch it again") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(f"{path}: holds no plain table of tensors; save its state_dict()")
    return dict(state)

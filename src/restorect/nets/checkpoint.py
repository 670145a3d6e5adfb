"""Checkpoints: one safetensors file, weights and a description of what they are; strict, and nothing unpickles.

The description is JSON under the metadata key "restorect"; with the card it states the format's version and a check
sum of the tensors. Files of format 1 are brought up to it by `restorect train migrate`; see `migrate.py`.
"""

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from restorect.checksums import CHECKSUM_KEY, DESCRIPTION_KEY, read_metadata, tensor_checksum
from restorect.configs import from_mapping, read_json, to_mapping
from restorect.errors import CheckpointError, ConfigError, RestorectError
from restorect.files import open_regular, write_atomically
from restorect.nets.teacher import Teacher, TeacherConfig
from restorect.retinex.decomposition import DecompositionPair

FORMAT_VERSION = 2
Kind = Literal["decomposition", "teacher", "student"]
_MOST_BYTES = 4 * 2**30
_MANY, _SPARE = (
    8,
    10**6,
)  # so many parameters for each number in a file, and a few more, are made before they are refused


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a checkpoint is.

    Attributes:
        kind: which network.
        task: what it restores, for example "low-light".
        preset: the size's name.
        config: the network's full config (empty for the decomposition, which has one shape).
        recipe: the effective training recipe.
        data: what it was trained on.
        licence: of the weights.
        metrics: figures with the protocol's name.
        notes: anything else, for example hardware and steps.
    """

    kind: Kind
    task: str
    preset: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    data: tuple[str, ...] = ()
    licence: str = "Apache-2.0"
    metrics: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(path: Path, network: nn.Module, card: Card, dtype: torch.dtype = torch.float32) -> None:
    """Write a network's weights and its card, atomically; running figures stay float32, their range is wider."""
    running = {name for name, _ in network.named_buffers()}
    tensors = {
        name: t.detach().to("cpu", torch.float32 if name in running else dtype).contiguous()
        for name, t in network.state_dict().items()
    }
    description = {"format_version": FORMAT_VERSION, **asdict(card), CHECKSUM_KEY: tensor_checksum(save(tensors))}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, save(tensors, metadata={DESCRIPTION_KEY: json.dumps(description)}))


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], Card]:
    """Read weights (as float32) and card.

    Raises:
        CheckpointError: the file is missing, damaged, of another kind or of another version.
    """
    tensors, card, whole = _read(path)
    _check_whole(path, whole)
    return tensors, card


def read_card(path: Path) -> Card:
    """Read the card alone, without a look at the weights.

    Raises:
        CheckpointError: the file is missing, no checkpoint or of another version.
    """
    return _described(path, read_content(path))[0]


def _read(path: Path) -> tuple[dict[str, Tensor], Card, bool]:
    """Weights, card, and whether the weights fit their check sum."""
    content = read_content(path)
    try:
        tensors = {name: tensor.float() for name, tensor in load(content).items()}
    except (SafetensorError, ValueError) as error:
        raise _unreadable(path, error) from error
    card, checksum = _described(path, content)
    return tensors, card, checksum == tensor_checksum(content)


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(f"{path}: not a readable safetensors file ({error}); fetch or train it again")


def _described(path: Path, content: bytes) -> tuple[Card, str]:
    """The card in a weight file, and the check sum that it states."""
    try:
        metadata = read_metadata(content)
    except ValueError as error:
        raise _unreadable(path, error) from error
    try:
        description = read_json(metadata[DESCRIPTION_KEY])
        version, checksum = description.pop("format_version"), description.pop(CHECKSUM_KEY, "")
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise CheckpointError(f"{path}: not a restorect checkpoint (it carries no description)") from error
    if version != FORMAT_VERSION:
        old = version == 1
        remedy = "bring it up to date with `restorect train migrate`" if old else "update restorect"
        raise CheckpointError(f"{path}: checkpoint version {version}, this restorect reads {FORMAT_VERSION}; {remedy}")
    try:
        return from_mapping(Card, description), checksum
    except ConfigError as error:
        raise CheckpointError(f"{path}: its description is not understood ({error})") from error


def _check_whole(path: Path, whole: bool) -> None:
    if not whole:
        raise CheckpointError(f"{path}: its weights do not fit their check sum: the copy is damaged, fetch it again")


def load_teacher(path: Path) -> tuple[Teacher, Card]:
    """Read a teacher, in eval mode on the CPU; every key and shape must fit.

    Raises:
        CheckpointError: the file is unusable or holds another network.
    """
    return load_network(path, "teacher", lambda card: Teacher(_config(path, TeacherConfig, card)))


def load_decomposition(path: Path) -> tuple[DecompositionPair, Card]:
    """Read the decomposition nets, in eval mode on the CPU; every key and shape must fit.

    Raises:
        CheckpointError: the file is unusable or holds another network.
    """
    return load_network(path, "decomposition", lambda _: DecompositionPair())


def teacher_card(config: TeacherConfig, **fields: Any) -> Card:  # noqa: ANN401
    """A card of kind "teacher" with its config filled in."""
    return Card(kind="teacher", config=to_mapping(config), **fields)


def read_content(path: Path) -> bytes:
    """The bytes of a weight file.

    Raises:
        CheckpointError: there is no such file, or it is no regular one.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > _MOST_BYTES:
                raise CheckpointError(f"{path}: has {size} bytes, too many for a checkpoint; give another file")
            return file.read()
    except CheckpointError:
        raise
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, RestorectError, ValueError) as error:
        raise CheckpointError(f"{path}: no such weight file; give the path of a .safetensors checkpoint") from error
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror}); give a file that you may read") from error


def load_network(path: Path, kind: Kind, make: Callable[[Card], Any]) -> tuple[Any, Card]:
    """Read a network, in eval mode on the CPU; every key and shape must fit.

    Args:
        path: of the file.
        kind: that it must be of.
        make: the network of a card, with any weights.

    Raises:
        CheckpointError: the file is unusable or holds another network.
    """
    tensors, card, whole = _read(path)
    if card.kind != kind:
        raise CheckpointError(f"{path}: holds a {card.kind}, but a {kind} is needed here")
    network = _filled(path, lambda: make(card), tensors)
    _check_whole(path, whole)  # last: that a tensor is missing says more
    return network, card


def _config(path: Path, cls: Any, card: Card) -> Any:  # noqa: ANN401
    try:
        return from_mapping(cls, card.config)
    except ConfigError as error:
        raise CheckpointError(f"{path}: its network config is not understood ({error})") from error


@contextlib.contextmanager
def _kept_small(path: Path, tensors: dict[str, Tensor]) -> Iterator[None]:
    """While a network is made, refuse it as soon as it has far more parameters than the file has numbers.

    A parameter is counted before anything is written to its memory. Some more are let through: that a shape does not
    fit says more than that a number does not.
    """
    left = _MANY * sum(tensor.numel() for tensor in tensors.values()) + _SPARE
    thread = threading.get_ident()  # other threads may be making networks of their own

    def count(_module: nn.Module, _name: str, parameter: nn.Parameter | None) -> None:
        nonlocal left
        if parameter is not None and threading.get_ident() == thread:
            left -= parameter.numel()
            if left < 0:
                raise CheckpointError(f"{path}: its network config describes a far larger network than its weights are")

    handle = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


def _filled(path: Path, make: Callable[[], Any], tensors: dict[str, Tensor]) -> Any:  # noqa: ANN401
    """Load the weights strictly, with one line about the first thing that does not fit."""
    with _kept_small(path, tensors):
        network = make()
    expected = network.state_dict()
    for name, tensor in expected.items():
        if name not in tensors:
            raise CheckpointError(f"{path}: weight {name} is missing; the file is incomplete, fetch or train it again")
        if tensors[name].shape != tensor.shape:
            shapes = f"{tuple(tensors[name].shape)}, expected {tuple(tensor.shape)}"
            raise CheckpointError(f"{path}: weight {name} has shape {shapes}")
    unknown = sorted(set(tensors) - set(expected))
    if unknown:
        raise CheckpointError(f"{path}: weight {unknown[0]} does not belong to this network")
    network.load_state_dict(tensors)
    return network.eval()

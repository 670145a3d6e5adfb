"""Packing a checkpoint for others: float16, measured as packed, with a card for people beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from restorect.configs import from_mapping, override, to_mapping
from restorect.data.pairs import find_pairs
from restorect.data.store import PairStore
from restorect.errors import CheckpointError, ConfigError
from restorect.nets.checkpoint import (
    Card,
    load_student,
    load_teacher,
    portable,
    read_checkpoint,
    save_checkpoint,
    write_atomically,
)
from restorect.nets.student import Start, Student, StudentConfig
from restorect.nets.teacher import Teacher
from restorect.train.validate import PROTOCOL, validate

_PARTS = {"gtmean": "GT-mean", "fused": "towards the second references"}


def pack(
    source: Path,
    target: Path,
    *,
    tests: Mapping[str, Sequence[str]],
    start: Start | None = None,
    steps: int | None = None,
    settings: Sequence[str] = (),
    notes: Mapping[str, Any] | None = None,
) -> Card:
    """Write a student or teacher as float16 with its figures on pairs, and its card as Markdown beside it.

    Args:
        source: the checkpoint of a training run.
        target: the file to write, ending in .safetensors; the card gets the same name with .md.
        tests: names of test sets to folders of pairs; figures are those of the float16 weights.
        start: default start of a student's flow, "noise" or "mean"; None leaves it.
        steps: default steps of a student's flow; None leaves them.
        settings: of a student's network that need no other weights, `name=value`, for example `exposure_trust=0.7`.
        notes: added to the card.

    Raises:
        CheckpointError: the source holds neither.
        ConfigError: a setting is unknown or out of range, or the weights do not fit it.
        DataError: a folder of pairs is not usable.
    """
    kind = read_checkpoint(source)[1].kind
    if kind not in ("student", "teacher"):
        raise CheckpointError(f"{source}: holds a {kind}; only students and teachers are packed")
    network, card = load_student(source) if kind == "student" else load_teacher(source)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(parameter.half())
    if isinstance(network, Student):
        config = network.config
        network.config = replace(config, start=start or config.start, steps=steps or config.steps)
        network = _with_settings(network, settings)
        card = replace(card, config=to_mapping(network.config))
    figures = {name: measure(network, folders, card.task) for name, folders in tests.items()}
    card = replace(
        card,
        recipe=portable(card.recipe),
        metrics={**card.metrics, **figures},
        notes={**card.notes, **(notes or {})},
    )
    save_checkpoint(target, network, card, torch.float16)
    write_atomically(target.with_suffix(".md"), describe(target.name, card).encode("utf-8", "backslashreplace"))
    return card


def _with_settings(student: Student, settings: Sequence[str]) -> Student:
    changed = Student(from_mapping(StudentConfig, override(to_mapping(student.config), settings)))
    try:
        changed.load_state_dict(student.state_dict())
    except RuntimeError as error:
        raise ConfigError(f"--set {' '.join(settings)}: needs a network of other weights; train it so") from error
    return changed.eval()


def measure(network: Student | Teacher, folders: Sequence[str], task: str) -> dict[str, Any]:
    """PSNR and SSIM over folders of pairs; a teacher uses the codes of the pair, a student its default start."""
    pairs = PairStore(find_pairs(folders), torch.device("cpu"), memory_gb=2)

    def predict(low: Tensor, high: Tensor) -> Tensor:
        if isinstance(network, Teacher):
            return cast(Tensor, network(low, high).image)
        return cast(Tensor, network(low, network.start(len(low))))

    figures = validate(predict, pairs, task)
    return {"protocol": PROTOCOL, "photos": len(pairs), **{name: round(value, 4) for name, value in figures.items()}}


def describe(name: str, card: Card) -> str:
    """The card as Markdown."""
    lines = [
        f"# {name}",
        "",
        f"- kind: {card.kind}, task {card.task}, size {card.preset}",
        f"- licence: {card.licence}",
    ]
    lines += [f"- trained on: {', '.join(card.data)}"] if card.data else []
    lines += [f"- {key}: {value}" for key, value in card.notes.items()]
    if card.kind == "student":
        lines.append(f"- flow: {card.config['steps']} steps from {card.config['start']}")
    lines += ["", "| photos | protocol | PSNR (spread) | SSIM (spread) |", "|---|---|---|---|"]
    for test, m in card.metrics.items():
        spread = f"{m['psnr']:.2f} dB ({m['psnr_std']:.2f}) | {m['ssim']:.4f} ({m['ssim_std']:.4f})"
        lines.append(f"| {test} | {m['protocol']} | {spread} |")
        parts = [key.removeprefix("psnr_") for key in m if key.startswith("psnr_") and key != "psnr_std"]
        for part in parts:
            psnr, ssim = f"{m['psnr_' + part]:.2f} dB", f"{m['ssim_' + part]:.4f}"
            lines.append(f"| {test}, {_PARTS.get(part, f'{part} only')} | {m['protocol']} | {psnr} | {ssim} |")
    return "\n".join(lines) + "\n"

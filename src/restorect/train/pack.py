"""Packing a checkpoint for others: float16, measured as packed, with a card for people beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from restorect.configs import require
from restorect.data.pairs import find_pairs
from restorect.data.store import PairStore
from restorect.errors import CheckpointError
from restorect.files import portable, write_atomically
from restorect.nets.checkpoint import Card, load_teacher, read_checkpoint, save_checkpoint
from restorect.nets.student import Start
from restorect.nets.teacher import Teacher
from restorect.render.checkpoint import load_restoration
from restorect.render.restoration import Restoration, RestorationConfig, with_steps
from restorect.render.steps import AFTER, BEFORE, read_steps, told
from restorect.train.validate import PROTOCOL, validate
from restorect.train.writing import card_beside

_PARTS = {
    "gtmean": "GT-mean",
    "fused": "towards the second references",
    "natural": "style natural",
    "natural_fused": "style natural, towards the second references",
}


def pack(
    source: Path,
    target: Path,
    *,
    tests: Mapping[str, Sequence[str]],
    start: Start | None = None,
    steps: int | None = None,
    before: Sequence[Any] | None = None,
    after: Sequence[Any] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> Card:
    """Write a student or teacher as float16 with its figures on pairs, and its card as Markdown beside it.

    Args:
        source: the checkpoint of a training run.
        target: the file to write, ending in .safetensors; the card gets the same name with .md.
        tests: names of test sets to folders of pairs; figures are those of the float16 weights.
        start: default start of a student's flow, "noise" or "mean"; None leaves it.
        steps: default steps of a student's flow; None leaves them.
        before: steps in front of a student, as a card has them; None leaves them.
        after: steps behind it, likewise, for example `[{"exposure": {"trust": 0.7, "source": "net"}}, "hue"]`.
        notes: added to the card.

    Raises:
        CheckpointError: the source holds neither.
        ConfigError: the target is no .safetensors file; a step is unknown, has a wrong setting, or needs weights that
            are not there; or a teacher is to get what only students have.
        DataError: a folder of pairs is not usable.
    """
    beside = card_beside(target)
    kind = read_checkpoint(source)[1].kind
    if kind not in ("student", "teacher"):
        raise CheckpointError(f"{source}: holds a {kind}; only students and teachers are packed")
    if kind == "teacher":
        _refuse_for_teachers(source, start=start, steps=steps, before=before, after=after)
    network, card = load_restoration(source) if kind == "student" else load_teacher(source)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(parameter.half())
    if isinstance(network, Restoration):
        network = with_steps(network, _settled(network.config, start, steps, before, after))
        card = replace(card, config=network.config.written())
    figures = {name: measure(network, folders) for name, folders in tests.items()}
    card = replace(
        card,
        recipe=portable(card.recipe),
        metrics={**card.metrics, **figures},
        notes={**card.notes, **(notes or {})},
    )
    save_checkpoint(target, network, card, torch.float16)
    write_atomically(beside, describe(target.name, card).encode("utf-8", "backslashreplace"))
    return card


def _settled(
    config: RestorationConfig,
    start: Start | None,
    steps: int | None,
    before: Sequence[Any] | None,
    after: Sequence[Any] | None,
) -> RestorationConfig:
    """The settings of a student that is packed: what is None stays."""
    flow = config.student if start is None else replace(config.student, start=start)
    return replace(
        config,
        student=flow if steps is None else replace(flow, steps=steps),
        before=config.before if before is None else read_steps(before, BEFORE, "before"),
        after=config.after if after is None else read_steps(after, AFTER, "after"),
    )


def _refuse_for_teachers(source: Path, **options: object) -> None:
    named = ", ".join(name for name, value in options.items() if value is not None)
    require(not named, f"{named}: of students only, and {source} holds a teacher; leave it out")


def measure(network: Restoration | Teacher, folders: Sequence[str]) -> dict[str, Any]:
    """PSNR and SSIM over folders of pairs; a teacher uses the codes of the pair, a student its default start.

    A student is measured in the style of references; where it has another one, that one's figures are beside them.
    """
    pairs = PairStore(find_pairs(folders), torch.device("cpu"), memory_gb=2)
    if isinstance(network, Teacher):
        figures = validate(lambda low, high: cast(Tensor, network(low, high).image), pairs)
    else:
        plain = network.in_style("reference")
        figures = validate(lambda low, high: cast(Tensor, plain(low)), pairs)
        if plain is not network:
            natural = validate(lambda low, high: cast(Tensor, network(low)), pairs)
            figures |= {f"{name}_natural": natural[name] for name in ("psnr", "ssim")}
            figures |= {f"{name}_natural_fused": v for name in ("psnr", "ssim") if (v := natural.get(f"{name}_fused"))}
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
        flow = card.config["student"]
        lines.append(f"- flow: {flow['steps']} steps from {flow['start']}")
        lines += [
            f"- {end}: {', '.join(map(told, card.config[end]))}" for end in ("before", "after") if card.config[end]
        ]
    lines += ["", "| photos | protocol | PSNR (spread) | SSIM (spread) |", "|---|---|---|---|"]
    for test, m in card.metrics.items():
        spread = f"{m['psnr']:.2f} dB ({m['psnr_std']:.2f}) | {m['ssim']:.4f} ({m['ssim_std']:.4f})"
        lines.append(f"| {test} | {m['protocol']} | {spread} |")
        parts = [key.removeprefix("psnr_") for key in m if key.startswith("psnr_") and key != "psnr_std"]
        for part in parts:
            psnr, ssim = f"{m['psnr_' + part]:.2f} dB", f"{m['ssim_' + part]:.4f}"
            lines.append(f"| {test}, {_PARTS.get(part, f'{part} only')} | {m['protocol']} | {psnr} | {ssim} |")
    return "\n".join(lines) + "\n"

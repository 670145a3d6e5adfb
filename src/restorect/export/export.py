"""Writes a restoration as ONNX files, once they were found to give what torch gives."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from restorect.configs import require
from restorect.errors import ExportError, shown
from restorect.export.card import GraphCard, described
from restorect.export.check import BOUND, HALF_BOUND, SIZES, largest_difference, picture
from restorect.export.extra import needed
from restorect.export.fusion import FusionGraph
from restorect.export.graphs import Decoder, Encoder, sayable
from restorect.export.interface import cards_of
from restorect.export.trace import halved, optimised, traced
from restorect.files import write_atomically
from restorect.infer.restorer import Restorer
from restorect.nets.blocks import CODE_SIZE
from restorect.nets.thumbnail import THUMBNAIL
from restorect.render.fusion import Fusion
from restorect.render.restoration import Restoration

PARTS = ("encoder", "decoder")
_TRACED_AT = (97, 131)
_MOST = 4096
_FOR_PROCESSORS = (
    "rewritten by onnxruntime for its CPU provider: load it without optimisation; other runtimes take the plain file"
)
_WHOLE = "for whole photographs alone: exposure has no curve for parts"


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written.

    Attributes:
        files: encoder, decoder, and fusion where there is that step; then all as onnxruntime optimised them.
        card: of the decoder.
        difference: the largest from torch, in values of [0, 1].
    """

    files: tuple[Path, ...]
    card: GraphCard
    difference: float


@torch.no_grad()
def export(
    restorer: Restorer,
    folder: Path,
    *,
    sides: tuple[int, int] | None = None,
    half: bool = False,
    whole: bool = False,
    force: bool = False,
) -> Exported:
    """Write `encoder.onnx`, `decoder.onnx` and perhaps `fusion.onnx`, and beside each what onnxruntime makes of it.

    Args:
        restorer: on the CPU.
        folder: to write to; made if it is not there.
        sides: height and width of all images; None for any.
        half: store weights as float16.
        whole: for whole photographs alone; see `Encoder`.
        force: replace files that are there.

    Raises:
        ConfigError: the sides are out of range.
        ExportError: the network cannot be exported, a library is missing, a file is there already, or what came out
            is not what torch gives; nothing is written then.
    """
    for library in ("onnx", "onnxruntime"):
        needed(library)
    require(sides is None or (1 <= min(sides) and max(sides) <= _MOST), f"fixed sides must be from 1 to {_MOST}")
    network = sayable(restorer.network)
    cards = cards_of(restorer, network, sides, half=half)
    files = [folder / f"{part}{kind}.onnx" for kind in ("", ".optimised") for part in cards]
    there = [path for path in files if path.exists()]
    if there and not force:
        raise ExportError(f"{shown(there[0])}: is there already; give another folder, or --force to replace it")
    plain = _traced(network, sides, whole=whole)
    if half:
        plain = {part: halved(model) for part, model in plain.items()}
    models = (plain, {part: optimised(model) for part, model in plain.items()})
    bound = HALF_BOUND if half else BOUND
    difference = max(largest_difference(network, each, sides, parts=not whole) for each in models)
    if not difference <= bound:
        raise ExportError(f"the graphs differ from torch by {difference:.2g}, more than {bound:g}; nothing was written")
    sizes = SIZES if sides is None else (sides,)
    checked = {
        "largest_difference": float(f"{difference:.2g}"),
        "bound": bound,
        "sizes": [f"{height}x{width}" for height, width in sizes],
    }
    own = [replace(card, checked=checked, notes=card.notes + (_WHOLE,) * whole) for card in cards.values()]
    own += [replace(card, notes=(*card.notes, _FOR_PROCESSORS)) for card in own]
    contents = [model for each in models for model in each.values()]
    _write(files, (described(*each) for each in zip(contents, own, strict=True)))
    return Exported(files=tuple(files), card=own[1], difference=difference)


def _traced(network: Restoration, sides: tuple[int, int] | None, *, whole: bool) -> dict[str, bytes]:
    """The graphs by their parts, in the order of `cards_of`."""
    first, second = Encoder(network, whole=whole).eval(), Decoder(network).eval()
    seen = (torch.full((1, 3, THUMBNAIL, THUMBNAIL), 0.2), torch.zeros(1, 2 * CODE_SIZE))
    known = first(*seen)
    image = picture(sides or _TRACED_AT, 0)
    free = ("input", "restored", "output") if sides is None else ()
    graphs = {
        "encoder": traced(first, seen, ("thumbnail", "noise"), ("codes", "exposure"), ()),
        "decoder": traced(second, (image, *known), ("input", "codes", "exposure"), ("output",), free),
    }
    for step in network.after.values():
        if isinstance(step, Fusion):
            third = FusionGraph(step.config).eval()
            graphs["fusion"] = traced(third, (image, image.sqrt()), ("input", "restored"), ("output",), free)
    return graphs


def _write(files: list[Path], contents: Iterable[bytes]) -> None:
    """All of them or none."""
    files[0].parent.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    try:
        for path, content in zip(files, contents, strict=True):
            write_atomically(path, content)
            written.append(path)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise

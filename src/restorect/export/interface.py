"""What the graphs take and give, as their cards say it."""

from dataclasses import replace

from restorect import __version__
from restorect.configs import to_mapping
from restorect.export.card import GraphCard
from restorect.export.graphs import APART, OMITTED
from restorect.infer.restorer import Restorer
from restorect.nets.blocks import CODE_SIZE
from restorect.nets.thumbnail import THUMBNAIL
from restorect.render.fusion import FusionConfig
from restorect.render.restoration import Restoration
from restorect.tasks import find_task, task_names

FUSION = FusionConfig.name
_LEVELS = 13  # numbers that a balance reads off the whole photograph
_COLOURS = "float32, sRGB-encoded RGB, 0 to 1"


def cards_of(
    restorer: Restorer, network: Restoration, sides: tuple[int, int] | None, *, half: bool
) -> dict[str, GraphCard]:
    """Of the graphs by their parts, not yet checked.

    Args:
        restorer: what is exported.
        network: what of it ONNX can say.
        sides: height and width of all images; None for any.
        half: whether weights are stored as float16.
    """
    settings = {step.name: to_mapping(step) for step in (*network.config.before, *network.config.after)}
    student = network.config.student
    inputs, outputs = _read(), _known(len(network.before) * _LEVELS)
    image = f"(1, 3, {'height, width' if sides is None else '{}, {}'.format(*sides)}) {_COLOURS}"
    encoder = GraphCard(
        part="encoder",
        task=restorer.task,
        size=restorer.size,
        flow=f"{student.steps} steps, {student.method}, from {'zeros' if student.start == 'mean' else 'noise'}",
        start=student.start,
        steps=student.steps,
        before=tuple({name: settings[name]} for name in network.before),
        after=tuple({name: settings.get(name, {})} for name in network.after if name != FUSION),
        omitted={name: why for name, why in (OMITTED | {FUSION: APART}).items() if name in restorer.network.after},
        sides="any" if sides is None else "{}x{}".format(*sides),
        numbers="float16, calculated in float32" if half else "float32",
        inputs=inputs,
        outputs=outputs,
        weights=restorer.weights_hash,
        data=restorer.card.data,
        licence=restorer.card.licence,
        notice=find_task(restorer.task).notice if restorer.task in task_names() else "",
        notes=(f"restorect {__version__}",),
    )
    decoder = replace(encoder, part="decoder", inputs={"input": image, **outputs}, outputs={"output": image})
    cards = {"encoder": encoder, "decoder": decoder}
    if FUSION in network.after:
        inputs = {"input": f"{image}: the whole photo", "restored": f"{image}: what the decoder gives of it"}
        own = replace(decoder, part="fusion", before=(), after=({FUSION: settings[FUSION]},), omitted={})
        cards["fusion"] = replace(own, numbers="float32", inputs=inputs)
    return cards


def _read() -> dict[str, str]:
    return {
        "thumbnail": f"(1, 3, {THUMBNAIL}, {THUMBNAIL}) {_COLOURS}: area means of the whole photo",
        "noise": f"(1, {2 * CODE_SIZE}) float32: zeros for the mean restoration, standard normal numbers for a sample",
    }


def _known(levels: int) -> dict[str, str]:
    curve = (
        "k of the curve k x / (1 + (k - 1) x) for parts; 1 where the decoder gets the whole photo and finds k, else 0"
    )
    return {
        "codes": f"(1, {2 * CODE_SIZE}): the Retinex code, then the image code",
        "exposure": f"(1, {2 + levels}): {curve}" + ("; levels of the balance" if levels else ""),
    }

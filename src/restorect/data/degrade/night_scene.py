"""A night scene made of a clean photo: what light is there, and how a good photo of it would look.

The clean photo stands for what the scene reflects. At night it gets the ambient light and that of lamps; lamps, windows
and signs shine themselves, and glow; and there are places that get none. The reference is the scene at a good exposure
as an exposure fusion shows it: what is lit much more comes out a little lighter, lamps keep their inside, black stays
black.
Light is linear; `low` is in units of the night photo's white, `high` in those of the good photo.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from restorect.colour import srgb_to_linear
from restorect.configs import require
from restorect.data.degrade.camera import colour
from restorect.data.degrade.dark import DarkConfig, draw_dark
from restorect.data.degrade.draws import Range, chance, check_range, log_uniform, uniform
from restorect.data.degrade.fields import follow_edges, resize, shrink
from restorect.data.degrade.glow import glow
from restorect.data.degrade.lamps import LampConfig, LampLayers, draw_emitters, paint_emitters, pools
from restorect.data.degrade.light_colours import Colour, cast_of, check_kelvin, draw_neon, glowing

_KNEE = 0.6  # linear: what the reference shows above it is compressed towards white
_GAMMA = 2.2  # signs are chosen as they look on a screen
_POOL_SIDE = 96  # light on walls is soft: this many pixels on the longer side are enough


@dataclass(frozen=True, kw_only=True)
class NightSceneConfig:
    """Ranges of what is in a night; every number is drawn anew for each image.

    Attributes:
        lights: share of the nights with lamps.
        lamps: those.
        ambient: exposure of what lamps do not light, where there are lamps; log-uniform.
        flood: share of the lit nights with a floodlight on a part of the scene.
        flood_light: its light on white, log-uniform.
        glare: share of the lamps' light that spreads, log-uniform.
        falloff: exponent of how it falls with the distance.
        glow_kept: share of the glow that the reference has.
        compression: exponent of the local light in the reference.
        dark: black places.
        cast: share of the nights whose ambient light has a colour.
        kelvin: of that, uniform in reciprocal kelvin.
        adapted: how far the camera's white balance takes it away.
        cast_kept: exponent of what is left of it in the reference.
        neon: share of the nights in one strong colour, as on a stage or under a sign; the reference keeps it. Without
            them networks meet a channel that is empty for the first time in somebody's photo, and blow up.
    """

    lights: float = 0.5
    lamps: LampConfig = field(default_factory=LampConfig)
    ambient: Range = (1 / 60, 1 / 8)
    flood: float = 0.5
    flood_light: Range = (0.15, 1.2)
    glare: Range = (
        0.02,
        0.15,
    )  # veiling glare index of lenses: 1 to 5 % (ISO 9358), and as much of haze or a dirty lens
    falloff: Range = (2.0, 3.0)  # Spencer et al. 1995; see `glow.py`
    glow_kept: Range = (0.4, 0.9)  # photographers keep the mood, but not the veil
    compression: Range = (0.15, 0.35)
    dark: DarkConfig = field(default_factory=DarkConfig)
    cast: float = 0.5
    kelvin: Range = (1900.0, 9000.0)  # sodium streets to blue hours
    adapted: Range = (0.5, 1.0)  # cameras leave a part of the cast of warm light on purpose
    cast_kept: Range = (0.1, 0.35)
    neon: float = 0.1

    def __post_init__(self) -> None:
        for name in ("lights", "flood", "cast", "neon"):
            share = getattr(self, name)
            require(0 <= share <= 1, f"{name}: must be from 0 to 1, got {share:g}")
        check_range("ambient", self.ambient, 1e-4, 1.0)
        check_range("flood_light", self.flood_light, 1e-3, 100.0)
        for name in ("glare", "glow_kept", "compression", "adapted", "cast_kept"):
            check_range(name, getattr(self, name), 0.0, 1.0)
        require(self.glare[0] > 0, "glare: must be above 0")
        check_range("falloff", self.falloff, 0.0, 6.0)
        check_kelvin("kelvin", self.kelvin)


class NightScene(NamedTuple):
    """Linear light (3, H, W): `low` is not clipped, `high` is within [0, 1]."""

    low: Tensor
    high: Tensor


def light_scene(
    clean_linear: Tensor, image_CHW: Tensor, exposure: float, generator: torch.Generator, config: NightSceneConfig
) -> NightScene:
    """Make a night of a clean photo.

    Args:
        clean_linear: (3, H, W) linear light of the clean photo, in [0, 1].
        image_CHW: the same as it is encoded, whose edges light and darkness follow.
        exposure: of a night without lamps.
        generator: a CPU generator.
        config: ranges of the parameters.
    """
    dark = draw_dark(image_CHW, generator, config.dark)
    left = srgb_to_linear(torch.tensor(uniform(generator, config.dark.left))).item() * (1 - dark)
    cast, kept = (colour(light, clean_linear) for light in _draw_ambient(generator, config))
    seen = clean_linear * dark
    if not chance(generator, config.lights):
        return NightScene(exposure * (cast * seen + left), (kept * seen + left).clamp(0, 1))
    exposure = log_uniform(generator, config.ambient)
    emitters = draw_emitters(generator, config.lamps)
    thrown = pools(emitters, _small(image_CHW), clean_linear) + _flood(image_CHW, generator, config)
    tone = local_tone(thrown, exposure, uniform(generator, config.compression))
    thrown, tone = resize(torch.cat([thrown, tone]), _size(image_CHW), "bilinear").chunk(2)
    layers = paint_emitters(emitters, generator, clean_linear)
    low = (exposure * cast + thrown) * seen + exposure * left
    good = tone * kept * seen + left
    return add_lamps(
        low, good, layers, glare=log_uniform(generator, config.glare), falloff=uniform(generator, config.falloff),
        kept=uniform(generator, config.glow_kept),
    )  # fmt: skip


def local_tone(thrown: Tensor, exposure: float, compression: float) -> Tensor:
    """How much lighter or darker the reference shows each place than the clean photo, (3, H, W).

    The local light to the power of `compression`, with as much of its colour. The exposure is half-way between two
    rules: the mean of the logarithm comes out as in the clean photo (Reinhard's key), or what is lit best does, so that
    nothing is burnt.

    Args:
        thrown: (3, H, W) light of the lamps.
        exposure: the ambient light.
        compression: 0 for the clean photo's even light.
    """
    ratio = thrown / exposure + 1
    light = ratio.mean(dim=0).log().flatten()
    return (ratio / (0.5 * (light.mean() + light.quantile(0.98))).exp()) ** compression


def add_lamps(
    low: Tensor, high: Tensor, layers: LampLayers, *, glare: float, falloff: float, kept: float
) -> NightScene:
    """Put the emitters and their glow before a scene.

    Args:
        low: (3, H, W) the scene in units of the night photo's white.
        high: (3, H, W) the same in the reference's.
        layers: the emitters.
        glare: share of their light that spreads.
        falloff: see `glow`.
        kept: share of the glow in the reference.
    """
    behind = 1 - layers.cover
    veil = glare * glow(layers.light, falloff)
    low = low * behind + (1 - glare) * layers.light + veil
    high = shoulder(high + kept * veil / (1 + veil))
    # Lamps smaller than a pixel shine over all of it.
    hidden = torch.maximum(layers.cover, layers.shown.amax(dim=0, keepdim=True))
    return NightScene(low, high * (1 - hidden) + layers.shown)


def shoulder(image_linear: Tensor) -> Tensor:
    """Compress (3, H, W) above the knee towards 1, the same factor for all channels so that hues stay."""
    brightest = image_linear.amax(dim=0, keepdim=True)
    over = (brightest - _KNEE).clamp(min=0)
    room = 1 - _KNEE
    return image_linear * torch.where(
        over > 0, (_KNEE + room * (1 - torch.exp(-over / room))) / brightest.clamp(min=_KNEE), 1
    )


def _flood(image_CHW: Tensor, generator: torch.Generator, config: NightSceneConfig) -> Tensor:
    """A floodlight on a part of the scene, following its edges: a lit house or monument; small, (3, h, w)."""
    height, width = _small(image_CHW)
    if not chance(generator, config.flood):
        return image_CHW.new_zeros(3, height, width)
    light = log_uniform(generator, config.flood_light) * colour(
        glowing(uniform(generator, config.lamps.sodium if chance(generator, 0.6) else config.lamps.led)), image_CHW
    )
    y, x = (torch.linspace(0, 1, side).to(image_CHW) for side in (height, width))
    down, across = uniform(generator, (0.2, 0.9)), uniform(generator, (0.1, 0.9))
    tall, wide = log_uniform(generator, (0.1, 0.5)), log_uniform(generator, (0.08, 0.5))
    spot = torch.exp(-(((y[:, None] - down) / tall) ** 2) - ((x[None] - across) / wide) ** 2)[None]
    return light * follow_edges(spot, shrink(image_CHW, _POOL_SIDE), radius=0.05)


def _draw_ambient(generator: torch.Generator, config: NightSceneConfig) -> tuple[Colour, Colour]:
    """The colour of the light that is everywhere, and what the reference keeps of it."""
    coldest, hottest = config.kelvin
    kelvin = 1 / uniform(generator, (1 / hottest, 1 / coldest))
    cast = cast_of(kelvin, uniform(generator, config.adapted)) if chance(generator, config.cast) else (1.0, 1.0, 1.0)
    left = uniform(generator, config.cast_kept)
    red, green, blue = (gain**left for gain in cast)
    red_sign, green_sign, blue_sign = draw_neon(generator)
    neon = (red_sign**_GAMMA, green_sign**_GAMMA, blue_sign**_GAMMA)
    return (neon, neon) if chance(generator, config.neon) else (cast, (red, green, blue))


def _size(image_CHW: Tensor) -> tuple[int, int]:
    return image_CHW.shape[-2], image_CHW.shape[-1]


def _small(image_CHW: Tensor) -> tuple[int, int]:
    scale = min(1.0, _POOL_SIDE / max(image_CHW.shape[-2:]))
    return max(1, round(scale * image_CHW.shape[-2])), max(1, round(scale * image_CHW.shape[-1]))

"""The Retinex-guided transformer G: four levels down and up, modulated by two codes (Reti-Diff, Restormer; METHOD 5).

Shapes: x_B3HW image in [0, 1]; z_BD codes, D = 256; d = `dim`; h, w = sides padded and divided by `stem`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from restorect.configs import require
from restorect.nets.blocks import Block, BlockStack, pointwise
from restorect.nets.norm import NormName
from restorect.nets.padding import pad_to_multiple
from restorect.nets.stem import make_stem
from restorect.retinex.decomposition import RetinexParts

_MOST_CHANNELS, _MOST_BLOCKS = 1024, 64  # what is larger is no network but a mistake, or meant to fill the memory


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """The shape of the transformer.

    Attributes:
        dim: channels of level 1, a multiple of 8; level n has dim * 2^(n-1).
        blocks: blocks of levels 1 to 4 (levels 1 to 3 have them twice: going down and coming up).
        refine: plain blocks at the end.
        heads: attention heads of levels 1 to 4.
        stem: 1 works at full resolution; 2 or 4 folds squares of that side into channels; see `stem.py`.
        expansion: hidden width of the feed-forward nets, as a multiple of the channels.
        norm: "scln" or, for the ablation, "pixel".
        qk_norm: layer-norm queries and keys.
        limit: values that SCLN normalised are held within so many standard deviations; 0 leaves them.
    """

    dim: int = 64
    blocks: tuple[int, int, int, int] = (3, 3, 3, 3)
    refine: int = 3
    heads: tuple[int, int, int, int] = (1, 2, 4, 8)
    stem: int = 1
    expansion: float = 2.66
    norm: NormName = "scln"
    qk_norm: bool = True
    limit: float = 0.0

    def __post_init__(self) -> None:
        in_range = 0 < self.dim <= _MOST_CHANNELS and self.dim % 8 == 0
        require(in_range, f"dim is {self.dim}; it must be a multiple of 8, up to {_MOST_CHANNELS}")
        require(self.stem in (1, 2, 4), f"stem is {self.stem}; it must be 1, 2 or 4")
        require(
            1 <= min(self.blocks) and max(self.blocks) <= _MOST_BLOCKS,
            f"blocks must be at least 1 a level, at most {_MOST_BLOCKS}",
        )
        require(0 <= self.refine <= _MOST_BLOCKS, f"refine at least 0, at most {_MOST_BLOCKS}, not {self.refine}")
        require(self.limit == 0 or self.limit >= 1, f"limit is {self.limit}; it must be 0 (none) or at least 1")
        require(0 < self.expansion <= 16, f"expansion is {self.expansion}; it must be above 0, up to 16")
        for level, heads in enumerate(self.heads):
            channels = self.dim * 2**level
            require(heads >= 1 and channels % heads == 0, f"{heads} heads do not divide {channels} channels")

    @property
    def multiple(self) -> int:
        """Both sides of the image are padded to a multiple of this."""
        return 8 * self.stem


class TransformerOutput(NamedTuple):
    """What the transformer gives: the image, and the features that losses look at.

    Attributes:
        image: (B, 3, H, W), unbounded.
        encoder1: level-1 encoder output (B, d, h, w).
        decoder_input: level-1 decoder input before the skip is joined (B, d, h, w).
        decoder3: (B, 4d, h/4, w/4).
        decoder2: (B, 2d, h/2, w/2).
        decoder1: (B, 2d, h, w).
    """

    image: Tensor
    encoder1: Tensor
    decoder_input: Tensor
    decoder3: Tensor
    decoder2: Tensor
    decoder1: Tensor


class RetinexHead(nn.Module):
    """Reads reflectance and illumination off level-1 features; only for training (METHOD 5)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(3):
            layers += [nn.Conv2d(dim, dim, 3, padding=1), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers, nn.Conv2d(dim, 4, 3, padding=1))

    def forward(self, features: Tensor) -> RetinexParts:
        """(B, d, h, w) to reflectance (B, 3, h, w) and illumination (B, 1, h, w)."""
        parts = torch.sigmoid(self.body(features))
        return RetinexParts(parts[:, :3], parts[:, 3:])


class Down(nn.Sequential):
    """(B, C, H, W) to (B, 2C, H/2, W/2)."""

    def __init__(self, channels: int) -> None:
        super().__init__(nn.Conv2d(channels, channels // 2, 3, padding=1, bias=False), nn.PixelUnshuffle(2))


class Up(nn.Sequential):
    """(B, C, H, W) to (B, C/2, 2H, 2W)."""

    def __init__(self, channels: int) -> None:
        super().__init__(nn.Conv2d(channels, 2 * channels, 3, padding=1, bias=False), nn.PixelShuffle(2))


class Transformer(nn.Module):
    """The network that restores; see `TransformerConfig` for its shape. Takes images of any size from 1x1 up."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        d = config.dim
        self.stem = make_stem(d, config.stem)
        self.encoder1, self.encoder2, self.encoder3 = (self._level(n, d * 2**n, True) for n in range(3))
        self.latent = self._level(3, 8 * d, True)
        self.down1, self.down2, self.down3 = (Down(d * 2**n) for n in range(3))
        self.up3, self.up2, self.up1 = (Up(d * 2 ** (n + 1)) for n in (2, 1, 0))
        self.join3, self.join2 = pointwise(8 * d, 4 * d), pointwise(4 * d, 2 * d)
        self.decoder3, self.decoder2 = self._level(2, 4 * d, True), self._level(1, 2 * d, True)
        self.decoder1 = self._level(0, 2 * d, True)  # no join above: the top level keeps both halves
        self.refine = self._level(0, 2 * d, False)
        self.head = RetinexHead(d)

    def _level(self, level: int, channels: int, retinex: bool) -> BlockStack:
        c = self.config
        count = c.blocks[level] if retinex else c.refine
        return BlockStack(
            Block(
                channels,
                c.heads[level],
                retinex=retinex,
                expansion=c.expansion,
                norm=c.norm,
                qk_norm=c.qk_norm,
                limit=c.limit,
            )
            for _ in range(count)
        )

    def forward(self, x: Tensor, z_rex: Tensor, z_img: Tensor) -> TransformerOutput:
        """Restore an image (B, 3, H, W) in [0, 1] with its Retinex code and image code, both (B, 256)."""
        H, W = x.shape[-2:]
        x = pad_to_multiple(x, self.config.multiple)
        x, features = self.stem.enter(x, z_rex, z_img)
        e1 = self.encoder1(features, z_rex)
        e2 = self.encoder2(self.down1(e1), z_rex)
        e3 = self.encoder3(self.down2(e2), z_rex)
        bottom = self.latent(self.down3(e3), z_rex)
        d3 = self.decoder3(self.join3(torch.cat([self.up3(bottom), e3], dim=1)), z_rex)
        d2 = self.decoder2(self.join2(torch.cat([self.up2(d3), e2], dim=1)), z_rex)
        decoder_input = self.up1(d2)
        d1 = self.decoder1(torch.cat([decoder_input, e1], dim=1), z_rex)
        image = self.stem.leave(x, self.refine(d1, z_img))[..., :H, :W]
        return TransformerOutput(image, e1, decoder_input, d3, d2, d1)

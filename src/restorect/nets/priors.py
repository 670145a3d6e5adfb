"""Prior encoders: photographs into short codes (Reti-Diff; METHOD 6).

Shapes: images_BCHW; z_BD codes, D = 256.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restorect.configs import require
from restorect.nets.blocks import CODE_SIZE, REFLECTANCE_SIZE
from restorect.nets.padding import pad_to_multiple
from restorect.retinex.decomposition import RetinexParts

FOLD = 4  # pixels a side of what a prior encoder folds into channels
MOMENTUM = 0.05  # of running figures, at the highest learning rate


@dataclass(frozen=True, kw_only=True)
class PriorConfig:
    """The shape of prior encoders.

    Attributes:
        width: channels of the trunk.
        blocks: residual blocks of the trunk.
        view: the encoders read the photograph area-resized to a square of this side (codes are global);
            0 reads it as it is.
    """

    width: int = 64
    blocks: int = 5
    view: int = 0

    def __post_init__(self) -> None:
        require(0 < self.width <= 1024, f"a prior encoder needs a width from 1 to 1024, not {self.width}")
        require(0 <= self.blocks <= 64, f"a prior encoder needs 0 to 64 blocks, not {self.blocks}")
        require(0 <= self.view <= 4096, f"view is {self.view}; it must be 0 (the whole photo) or a side up to 4096")


class ResidualBlock(nn.Module):
    """x + conv(LeakyReLU(conv(x)))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        return x + self.second(F.leaky_relu(self.first(x), 0.1))  # type: ignore[no-any-return]


class Standardise(nn.Module):
    """Subtract a running mean and divide by a running deviation, a number each over the photographs.

    What photographs have in common outweighs by far what sets them apart. Without this all of them get nearly the
    same code, the layer norm behind it keeps it that way, and the transformer learns to ignore codes. Batch
    statistics would tie the samples of a small batch together; running ones, without gradient, do not.

    Args:
        numbers: how many numbers a sample has.
        momentum: share of a batch in the running figures. Training lowers it with the learning rate: figures need
            follow no faster than the weights do, and what is left of a batch's chance moves all alike photos at once.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, numbers: int, momentum: float = MOMENTUM) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("mean", torch.zeros(numbers))
        self.register_buffer("variance", torch.ones(numbers))

    @torch.no_grad()
    def follow(self, numbers: Tensor, share: float) -> None:
        """Bring a batch (B, numbers) into the running figures; a share of 1 starts them afresh."""
        numbers = numbers.float()
        self.mean.lerp_(numbers.mean(dim=0), share)
        self.variance.lerp_((numbers - self.mean).square().mean(dim=0), share)

    def forward(self, numbers: Tensor) -> Tensor:
        """(B, numbers) to the same, of mean about 0 and variance about 1 over the photographs."""
        if self.training:
            self.follow(numbers, self.momentum)
        # Copies: the running figures change in place before the gradient is taken.
        mean, variance = self.mean.clone(), self.variance.clone()
        return (numbers.float() - mean) * torch.rsqrt(variance + 1e-12)


class PriorTrunk(nn.Module):
    """Images to numbers: PixelUnshuffle 4, convolutions, global average, two linear layers (METHOD 6).

    The numbers are standardised over the photographs; see `Standardise`.

    Args:
        channels: of the images stacked together.
        numbers: how many numbers come out.
        config: width and depth.
    """

    def __init__(self, channels: int, numbers: int, config: PriorConfig) -> None:
        super().__init__()
        w = config.width
        shape = [(w, 2 * w), (2 * w, 2 * w), (2 * w, numbers)]
        layers: list[nn.Module] = [nn.Conv2d(FOLD**2 * channels, w, 3, padding=1), nn.LeakyReLU(0.1)]
        layers += [ResidualBlock(w) for _ in range(config.blocks)]
        for inputs, outputs in shape:
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.LeakyReLU(0.1)]
        self.body = nn.Sequential(*layers)
        self.mlp = nn.Sequential(nn.Linear(numbers, numbers), nn.LeakyReLU(0.1), nn.Linear(numbers, numbers))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, a=0.1)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        self.standardise = Standardise(numbers)

    def forward(self, images: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, numbers)."""
        return self.numbers_of(self._features(images).mean(dim=(2, 3)))

    def numbers_of(self, means: Tensor) -> Tensor:
        """The numbers by the means (B, numbers) of the last features."""
        return self.standardise(self.mlp(means))  # type: ignore[no-any-return]

    @torch.no_grad()
    def calibrate(self, images: Tensor, portion: int = 64) -> None:
        """Set the running figures from many images (B, channels, H, W), so many at a time to spare memory."""
        numbers = torch.cat([self.mlp(self._features(some).mean(dim=(2, 3))) for some in torch.split(images, portion)])
        self.standardise.follow(numbers, share=1.0)

    def _features(self, images: Tensor) -> Tensor:
        return self.body(F.pixel_unshuffle(pad_to_multiple(images, FOLD), FOLD))  # type: ignore[no-any-return]


def unit_scale(code: Tensor) -> Tensor:
    """Layer norm without gain or bias, so that codes share the scale of the flow's noise."""
    return F.layer_norm(code.float(), (CODE_SIZE,))


class ImagePrior(nn.Module):
    """Images to the image code. The teacher's sees [degraded, clean], the student's only the degraded one.

    Args:
        images: how many RGB images are stacked.
        config: width and depth.
    """

    def __init__(self, images: int, config: PriorConfig) -> None:
        super().__init__()
        self.trunk = PriorTrunk(3 * images, CODE_SIZE, config)

    def forward(self, *images: Tensor) -> Tensor:
        """Images, each (B, 3, H, W), to the code (B, 256) of mean 0 and variance 1."""
        return unit_scale(self.trunk(torch.cat(images, dim=1)))

    def calibrate(self, *images: Tensor) -> None:
        """See `PriorTrunk.calibrate`."""
        self.trunk.calibrate(torch.cat(images, dim=1))


class RetinexPrior(nn.Module):
    """Retinex parts to the Retinex code: 192 numbers about reflectance, 64 about illumination, separate trunks.

    Args:
        images: how many decomposed images are stacked.
        config: width and depth.
    """

    def __init__(self, images: int, config: PriorConfig) -> None:
        super().__init__()
        self.trunk_R = PriorTrunk(3 * images, REFLECTANCE_SIZE, config)
        self.trunk_L = PriorTrunk(images, CODE_SIZE - REFLECTANCE_SIZE, config)

    def forward(self, *parts: RetinexParts) -> Tensor:
        """Decomposed images to the code (B, 256) of mean 0 and variance 1."""
        R, L = _stacked(parts)
        return unit_scale(torch.cat([self.trunk_R(R), self.trunk_L(L)], dim=1))

    def calibrate(self, *parts: RetinexParts) -> None:
        """See `PriorTrunk.calibrate`."""
        R, L = _stacked(parts)
        self.trunk_R.calibrate(R)
        self.trunk_L.calibrate(L)


def _stacked(parts: tuple[RetinexParts, ...]) -> tuple[Tensor, Tensor]:
    return torch.cat([p.R for p in parts], dim=1), torch.cat([p.L for p in parts], dim=1)

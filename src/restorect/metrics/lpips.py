"""LPIPS, learned perceptual image patch similarity (Zhang, Isola, Efros, Shechtman, Wang, CVPR 2018), version 0.1.

Shapes: B samples, C channels, H x W pixels; k counts the five layers.
"""

from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from restorect.metrics.inputs import rgb_pair
from restorect.metrics.pretrained import WeightsSource, fill, read_weights

Variant = Literal["alex", "vgg"]

_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of inputs in [-1, 1]: ImageNet's mean and spread
_EPSILON = 1e-10
_BACKBONE = {"alex": "alexnet", "vgg": "vgg16"}
_TAPS = {"alex": (1, 4, 7, 9, 11), "vgg": (3, 8, 15, 22, 29)}
_CHANNELS = {"alex": (64, 192, 384, 256, 256), "vgg": (64, 128, 256, 512, 512)}
SMALLEST = {"alex": 31, "vgg": 16}
"""The shortest side in pixels from which the last layer still has one pixel."""


class LPIPS(nn.Module):
    """LPIPS(x, y) = sum_k mean_HW w_k . (f_k(x) - f_k(y))^2, f_k unit-length over channels; lower is more alike.

    Values are at least 0 and, for photographs, below about 1; 0 for identical images. Symmetric. Images enter at their
    own size. `features` and `lin0` to `lin4` have the key layout of torchvision's networks and of the lpips package.
    """

    def __init__(self, variant: Variant = "alex") -> None:
        """Build with random weights.

        Raises:
            ValueError: no such variant.
        """
        super().__init__()
        if variant not in get_args(Variant):
            raise ValueError(f"LPIPS variant {variant!r}: choose from {', '.join(get_args(Variant))}")
        self.variant: Variant = variant
        self.features = _alexnet_features() if variant == "alex" else _vgg16_features()
        for k, channels in enumerate(_CHANNELS[variant]):
            self.add_module(f"lin{k}", _Head(channels))
        self.sources: tuple[WeightsSource, ...] = ()
        self.eval().requires_grad_(False)

    @classmethod
    def load(cls, folder: Path | None, variant: Variant = "alex") -> "LPIPS":
        """Build with the published weights; `sources` says which files.

        Raises:
            WeightsNeeded: they are not in `folder`.
            CheckpointError: they are not the published ones.
        """
        net = cls(variant)
        heads, heads_source = read_weights(f"lpips-{variant}", folder)
        features, features_source = read_weights(_BACKBONE[variant], folder)
        state = {**heads, **features}
        fill(net, state, f"LPIPS ({variant})", unused=("classifier.",))
        net.sources = (features_source, heads_source)
        return net

    def forward(self, output_BCHW: Tensor, target_BCHW: Tensor) -> Tensor:
        """Distance of each pair: twice (B, 3, H, W), sRGB in [0, 1] -> (B,) float32.

        Raises:
            ValueError: the shapes differ, are not (B, 3, H, W), or a side is too short for the network.
        """
        output, target = rgb_pair(output_BCHW, target_BCHW, smallest=SMALLEST[self.variant])
        distance = output.new_zeros(output.shape[0], dtype=torch.float32)
        pairs = zip(self._layers(output.float()), self._layers(target.float()), strict=True)
        for k, (f_x, f_y) in enumerate(pairs):
            distance = distance + self.get_submodule(f"lin{k}")((f_x - f_y).square()).mean(dim=(1, 2, 3))
        return distance

    def _layers(self, image_BCHW: Tensor) -> list[Tensor]:
        x = (2 * image_BCHW - 1 - image_BCHW.new_tensor(_SHIFT).view(1, 3, 1, 1)) / image_BCHW.new_tensor(_SCALE).view(
            1, 3, 1, 1
        )
        taps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in _TAPS[self.variant]:
                taps.append(x / (x.square().sum(dim=1, keepdim=True).sqrt() + _EPSILON))
        return taps


class _Head(nn.Module):
    """The learned, non-negative weight of each channel; position 0 of the published file was a dropout."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Identity(), nn.Conv2d(channels, 1, 1, bias=False))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        mixed: Tensor = self.model(x_BCHW)
        return mixed


def _alexnet_features() -> nn.Sequential:
    """AlexNet's convolutions ("one weird trick", Krizhevsky 2014): 2,469,696 parameters."""
    return nn.Sequential(
        *(nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()),
    )


def _vgg16_features() -> nn.Sequential:
    """VGG-16's convolutions (Simonyan, Zisserman 2015): 14,714,688 parameters."""
    layers: list[nn.Module] = []
    channels = 3
    for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(depth):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers[:-1])  # the last pooling is after the last layer used; it has no weights

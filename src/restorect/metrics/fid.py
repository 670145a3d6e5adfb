"""FID, Frechet inception distance between two sets of images (Heusel et al., NeurIPS 2017).

Shapes: B samples, D features.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restorect.errors import DataError
from restorect.metrics.inception import FEATURES, SIDE, InceptionV3
from restorect.metrics.inputs import rgb_batch
from restorect.metrics.pretrained import Source, fill, read_weights

FEW = 10_000
"""Images a set under which FID says little beyond a comparison of methods on these very images (docs/metrics.md)."""


class Gaussian:
    """Mean (D,) and covariance of vectors that arrive in batches, in float64 (Chan, Golub, LeVeque 1979).

    The scatter matrix is kept as rows R with R^T R = scatter: one for each vector, folded into D by QR when they grow
    many. Nothing is lost where there are fewer vectors than features, and the covariance of few costs little.
    """

    def __init__(self, features: int) -> None:
        self.count = 0
        self.mean = torch.zeros(features, dtype=torch.float64)
        self._rows_ND = torch.zeros(0, features, dtype=torch.float64)

    def update(self, features_BD: Tensor) -> None:
        """Take in more vectors: (B, D)."""
        x = features_BD.detach().to("cpu", torch.float64)
        mean = x.mean(dim=0)
        total = self.count + x.shape[0]
        shift = mean - self.mean
        between = shift * (self.count * x.shape[0] / total) ** 0.5
        self._rows_ND = torch.cat([self._rows_ND, x - mean, between[None]])
        if len(self._rows_ND) > 2 * len(mean):
            self._rows_ND = torch.linalg.qr(self._rows_ND, mode="r").R
        self.mean = self.mean + shift * (x.shape[0] / total)
        self.count = total

    @property
    def root(self) -> Tensor:
        """R with R^T R = the unbiased covariance so far, (N, D), N at most 2 D.

        Raises:
            DataError: there are fewer than two vectors.
        """
        if self.count < 2:
            raise DataError(f"FID needs at least 2 images a set, got {self.count}; add more")
        root: Tensor = self._rows_ND / (self.count - 1) ** 0.5
        return root


def frechet_distance(first: Gaussian, second: Gaussian) -> float:
    """d^2 = |m_1 - m_2|^2 + tr S_1 + tr S_2 - 2 tr (S_1 S_2)^(1/2), at least 0; 0 for equal moments.

    With S_i = R_i^T R_i the last trace is the sum of the singular values of R_1 R_2^T, whose squares are the
    eigenvalues of S_1 S_2 that are not 0. No matrix square root is taken, which fails or loses half the digits where
    covariances are singular, as they are with fewer images than features; all in float64.

    Raises:
        DataError: a set has fewer than two vectors.
    """
    R_1, R_2 = first.root, second.root
    overlap = torch.linalg.svdvals(R_1 @ R_2.T).sum()
    distance = (first.mean - second.mean).square().sum() + R_1.square().sum() + R_2.square().sum() - 2 * overlap
    return max(0.0, float(distance))


class FID:
    """FID of two sets of images, fed in batches of any sizes; lower is better. A figure of a set, not of an image.

    Images are resized to 299 x 299 without antialiasing, as pytorch-fid does. FID depends on the number of images
    (fewer: higher): compare figures of equal counts only, and say the count beside them.
    """

    def __init__(self, net: nn.Module, sources: tuple[Source, ...] = (), *, length: int = FEATURES) -> None:
        """Args: the feature network, where its weights came from, and the length of its features."""
        self.net = net
        self.sources = sources
        self.outputs, self.targets = Gaussian(length), Gaussian(length)

    @classmethod
    def load(cls, folder: Path | None) -> "FID":
        """With the published Inception weights.

        Raises:
            WeightsNeeded: they are not in `folder`.
            CheckpointError: they are not the published ones.
        """
        state, source = read_weights("inception-fid", folder)
        net = InceptionV3()
        fill(net, state, "Inception v3 for FID")
        return cls(net, (source,))

    def update(self, output_BCHW: Tensor, target_BCHW: Tensor) -> None:
        """Take in more images of both sets, (B, 3, H, W), sRGB in [0, 1]; sizes and counts may differ."""
        self.outputs.update(self.features(output_BCHW))
        self.targets.update(self.features(target_BCHW))

    def compute(self) -> float:
        """The distance of the sets so far.

        Raises:
            DataError: a set has fewer than two images.
        """
        return frechet_distance(self.outputs, self.targets)

    def features(self, image_BCHW: Tensor) -> Tensor:
        """Inception's pool features of images: (B, 3, H, W), sRGB in [0, 1] -> (B, 2048)."""
        image = rgb_batch(image_BCHW).float()
        resized = F.interpolate(image, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        with torch.no_grad():
            features: Tensor = self.net(2 * resized - 1)
        return features

"""FID, Frechet inception distance between two sets of images (Heusel et al., NeurIPS 2017).

Shapes: B samples, N and M images of two sets, D features.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restorect.errors import DataError
from restorect.metrics.inception import SIDE, InceptionV3
from restorect.metrics.inputs import rgb_batch
from restorect.metrics.pretrained import WeightsSource, fill, read_weights

FEW = 10_000
"""Images a set under which FID says little beyond a comparison of methods on these very images (docs/metrics.md)."""


def frechet_distance(first_ND: Tensor, second_MD: Tensor) -> float:
    """d^2 = |m_1 - m_2|^2 + tr S_1 + tr S_2 - 2 tr (S_1 S_2)^(1/2) of two sets of features; 0 for equal moments.

    With S_i = R_i^T R_i the last trace is the sum of the singular values of R_1 R_2^T, whose squares are the
    eigenvalues of S_1 S_2 that are not 0. No matrix square root is taken, which fails or loses half the digits where
    covariances are singular, as they are with fewer images than features; all in float64.

    Raises:
        DataError: a set has fewer than two vectors.
    """
    (mean_1, R_1), (mean_2, R_2) = _moments(first_ND), _moments(second_MD)
    overlap = torch.linalg.svdvals(R_1 @ R_2.T).sum()
    distance = (mean_1 - mean_2).square().sum() + R_1.square().sum() + R_2.square().sum() - 2 * overlap
    return max(0.0, float(distance))


def _moments(features_ND: Tensor) -> tuple[Tensor, Tensor]:
    """The mean (D,), and R with R^T R = the unbiased covariance, of at most D rows."""
    count, features = features_ND.shape
    if count < 2:
        raise DataError(f"FID needs at least 2 images a set, got {count}; add more")
    x = features_ND.detach().to("cpu", torch.float64)
    mean = x.mean(dim=0)
    root = (x - mean) / (count - 1) ** 0.5
    return mean, root if count <= features else torch.linalg.qr(root, mode="r").R


class FID:
    """The features that FID compares by `frechet_distance`; lower is better. A figure of a set, not of an image.

    Images are resized to 299 x 299 without antialiasing, as pytorch-fid does. FID depends on the number of images
    (fewer: higher): compare figures of equal counts only, and say the count beside them.
    """

    def __init__(self, net: nn.Module, sources: tuple[WeightsSource, ...] = ()) -> None:
        """Args: the feature network, and where its weights came from."""
        self.net = net
        self.sources = sources

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

    def features(self, image_BCHW: Tensor) -> Tensor:
        """Inception's pool features of images: (B, 3, H, W), sRGB in [0, 1] -> (B, 2048)."""
        image = rgb_batch(image_BCHW).float()
        resized = F.interpolate(image, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        with torch.no_grad():
            features: Tensor = self.net(2 * resized - 1)
        return features

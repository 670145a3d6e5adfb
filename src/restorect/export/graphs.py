"""A restoration as two networks: what is read off a thumbnail once, and what is done to any number of images.

A third one, where there is that step, is `export.fusion`.

Shapes: images (1, 3, H, W) in [0, 1], sRGB-encoded; noise and codes (1, 512), the Retinex code before the image code.
"""

import torch
from torch import Tensor, nn

from restorect.errors import ExportError
from restorect.nets.blocks import CODE_SIZE
from restorect.nets.codes import Codes
from restorect.nets.thumbnail import THUMBNAIL, view_of
from restorect.render.balance import Balance, Levels, balanced, levels_of
from restorect.render.exposure import Exposure
from restorect.render.field_of_view import keep_lights
from restorect.render.fusion import Fusion
from restorect.render.restoration import Restoration
from restorect.render.step import PointStep, Scene

OMITTED = {
    "field-of-view": "searches the whole photograph for its black frame; lights stay as they are here too",
}
"""Steps that ONNX cannot say, and why."""
APART = "is a graph of its own, which takes the whole photograph and its restoration"
"""Why fusion is not in the decoder."""


class Lights(PointStep):
    """What of the safe mode for retinas each pixel knows by itself: lights stay as they are."""

    def forward(self, image: Tensor, scene: Scene) -> Tensor:
        """The image, within [0, 1], its lights those of the photograph."""
        return keep_lights(scene.photo, image.clamp(0, 1))


def sayable(restoration: Restoration) -> Restoration:
    """The same weights, with what ONNX can say of the steps.

    Raises:
        ExportError: codes are not read off a thumbnail of 96 x 96, or fusion is not the last step.
    """
    if restoration.view != THUMBNAIL:
        wanted = f"export takes networks that read their codes off a thumbnail of {THUMBNAIL} pixels a side"
        raise ExportError(f"{wanted}; here conditions.view is {restoration.view}")
    if "fusion" in [step.name for step in restoration.config.after[:-1]]:
        raise ExportError("export takes fusion as the last of the steps behind the network; here others follow it")
    said = {name: step for name, step in restoration.after.items() if name not in OMITTED}
    if "field-of-view" in restoration.after:
        said["lights"] = Lights()
    return restoration.ending_in(said)


class Encoder(nn.Module):
    """A photograph's thumbnail to all that is to be known of the whole.

    Args:
        restoration: the network with its steps.
        whole: the decoder will get whole photographs alone: the curve for parts is left out, most of the work here.
    """

    def __init__(self, restoration: Restoration, *, whole: bool = False) -> None:
        super().__init__()
        self.restoration, self.whole = restoration, whole

    def forward(self, thumbnail: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Codes and exposure.

        Args:
            thumbnail: (1, 3, 96, 96), area means of the photograph.
            noise: zeros for the mean restoration, standard normal numbers for a sample.

        Returns:
            Codes, and (1, 2) of exposure: k of the curve for parts, and 1, which says that the decoder has the whole
            photograph and finds the curve itself; with a balance (1, 15), its levels behind.
        """
        net = self.restoration
        conditions = net.read(thumbnail)
        codes = net.student.generate(conditions, apart(noise))
        curve = None if self.whole else net.scene(thumbnail, net.mean(conditions)).curve
        one = torch.ones(1, 1)
        numbers = [one if curve is None else curve.flatten(1), one]
        for step in net.before.values():
            if isinstance(step, Balance):
                numbers += [level.flatten(1) for level in levels_of(thumbnail, step.config)]
        return codes.stacked(), torch.cat(numbers, dim=1)


class Decoder(nn.Module):
    """An image, whole or a part, and what the encoder said, to its restoration."""

    def __init__(self, restoration: Restoration) -> None:
        super().__init__()
        self.restoration = restoration

    def forward(self, image: Tensor, codes: Tensor, exposure: Tensor) -> Tensor:
        """The restoration (1, 3, H, W) in [0, 1], not fused; arguments as the encoder gives them."""
        photo = image.clamp(0, 1)
        scene = Scene(photo, self._seen(photo, exposure), self._seen(view_of(photo, THUMBNAIL), exposure))
        restored: Tensor = self.restoration.student.transformer(scene.seen, *apart(codes)).image
        for step in self.restoration.after.values():
            if isinstance(step, Fusion):
                continue
            if isinstance(step, Exposure):
                given, whole = exposure[:, 0].view(-1, 1, 1, 1), exposure[:, 1].view(-1, 1, 1, 1)
                own = step.curve(restored.clamp(0, 1), scene)
                scene = scene._replace(curve=torch.where(whole > 0.5, own, given))
            restored = step(restored, scene)
        return restored.clamp(0, 1)

    def _seen(self, image: Tensor, exposure: Tensor) -> Tensor:
        for step in self.restoration.before.values():
            if isinstance(step, Balance):
                middle, range_, there, power = (part[..., None, None] for part in exposure[:, 2:14].chunk(4, dim=1))
                image = balanced(image, Levels(middle, range_, there, power, exposure[:, 14:, None, None]), step.config)
        return image


def apart(stacked: Tensor) -> Codes:
    """The two codes, or their noise, of what `Codes.stacked` gives."""
    return Codes(stacked[:, :CODE_SIZE], stacked[:, CODE_SIZE:])

"""A restoration in bands: student and steps, by rows; see `render.restoration`.

Shapes: photo, seen and restoration (1, 3, H, W) by rows; codes (1, 256).
"""

from functools import cached_property
from typing import cast

from torch import Tensor

from restorect.bands.encoders import read_by_rows
from restorect.bands.tiling import Tiling
from restorect.bands.transformer import restored_rows
from restorect.devices import full_precision
from restorect.nets.codes import Codes
from restorect.nets.thumbnail import THUMBNAIL
from restorect.render.restoration import Restoration
from restorect.render.rows import Rows
from restorect.render.step import RowScene, RowStep, Step


class BandedRestoration:
    """The restoration of one photograph, which is read by rows and never whole.

    Args:
        network: student and steps.
        photo: in [0, 1], on the network's device.
        tiling: of the pieces.
    """

    def __init__(self, network: Restoration, photo: Rows, tiling: Tiling) -> None:
        self._network, self._photo, self._tiling = network, photo, tiling

    def brightened(self, stops: float) -> "BandedRestoration":
        """The same with the network's `brightened`; it takes the scene of this one."""
        return BandedRestoration(self._network.brightened(stops), self._photo, self._tiling)

    def read(self) -> Codes:
        """The conditions of the photograph."""
        view = self._network.view
        if view == 0:
            with full_precision(self._thumbnail.device):
                return read_by_rows(self._network.student, self._scene.seen)
        return self._network.read(self._thumbnail if view == THUMBNAIL else self._photo.view(view))

    def scene(self, mean: Codes | None = None) -> RowScene:
        """What the steps look at; `mean` as for `Restoration.scene`."""
        scene, exposure = self._scene, self._network.exposure
        if mean is None or exposure is None:
            return scene
        return scene._replace(curve=self._network.mean_curve(self._thumbnail, exposure.small(scene), mean))

    def restore(self, scene: RowScene, codes: Codes, into: Tensor) -> Rows:
        """The restoration with given codes, unbounded.

        Args:
            scene: as `scene` gives it.
            codes: of this photograph.
            into: (1, 3, H, W) float32, takes what the transformer gives; steps are done when rows are read of it.
        """
        with full_precision(into.device):
            for first, rows in restored_rows(self._network.student.transformer, scene.seen, codes, self._tiling):
                into[:, :, first : first + rows.shape[2]] = rows
            image, steps = Rows.of(into), list[RowStep]()
            for step in self._network.after.values():
                steps.append(cast(Step, step).prepare(_stepped(image, scene, steps), scene))
            return _stepped(image, scene, steps)

    @cached_property
    def _thumbnail(self) -> Tensor:
        return self._photo.view(THUMBNAIL)

    @cached_property
    def _scene(self) -> RowScene:
        network, thumbnail = self._network, self._thumbnail
        seen = self._photo.then(lambda rows: network.see(rows, thumbnail)) if network.before else self._photo
        return RowScene(self._photo, seen, network.see(thumbnail))


def _stepped(image: Rows, scene: RowScene, steps: list[RowStep]) -> Rows:
    """The image with the steps so far done to it."""
    done = tuple(steps)

    def read(first: int, last: int) -> Tensor:
        rows = image.read(first, last)
        if not done:
            return rows
        around = scene.rows(first, last)
        with full_precision(rows.device):
            for step in done:
                rows = step(rows, around, slice(first, last))
        return rows

    return Rows(image.height, image.width, read)

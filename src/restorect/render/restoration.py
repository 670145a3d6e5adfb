"""A restoration: `before` -> student -> `after`; what is trained through, validated, shipped and called.

Shapes: photo_B3HW in [0, 1]; codes, noise and conditions (B, 256).
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from restorect.configs import from_mapping, require, to_mapping
from restorect.devices import full_precision
from restorect.nets.codes import Codes
from restorect.nets.student import Student, StudentConfig
from restorect.nets.thumbnail import THUMBNAIL, view_of
from restorect.render.brightness import BrightnessConfig
from restorect.render.exposure import Exposure
from restorect.render.field_of_view import FieldOfViewConfig
from restorect.render.step import Scene, StepConfig
from restorect.render.steps import AFTER, BEFORE, NATURAL, Style, read_steps, write_steps
from restorect.retinex.decomposition import RetinexParts


@dataclass(frozen=True, kw_only=True)
class RestorationConfig:
    """A student and the steps around it.

    Attributes:
        student: its shape.
        before: what is done to the photograph before encoders and transformer see it.
        after: what is done to what the transformer gives, in this order.
    """

    student: StudentConfig = field(default_factory=StudentConfig)
    before: tuple[StepConfig, ...] = ()
    after: tuple[StepConfig, ...] = ()

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "RestorationConfig":
        """From the mapping that `written` gives.

        Raises:
            ConfigError: a part is unknown or wrong.
        """
        unknown = sorted(set(values) - {"student", "before", "after"})
        require(not unknown, f"{', '.join(map(str, unknown))}: no such part; there are student, before and after")
        return cls(
            student=from_mapping(StudentConfig, values.get("student", {}), "student"),
            before=read_steps(values.get("before", []), BEFORE, "before"),
            after=read_steps(values.get("after", []), AFTER, "after"),
        )

    def written(self) -> dict[str, Any]:
        """As a card has it."""
        return {
            "student": to_mapping(self.student),
            "before": write_steps(self.before),
            "after": write_steps(self.after),
        }


class Restoration(nn.Module):
    """A student and the steps around it; see `RestorationConfig`."""

    def __init__(self, config: RestorationConfig) -> None:
        super().__init__()
        self.config = config
        self.before = nn.ModuleDict({step.name: step.build() for step in config.before})
        self.student = Student(config.student)
        self.after = nn.ModuleDict({step.name: step.build() for step in config.after})

    def in_style(self, style: Style) -> "Restoration":
        """The same weights without the steps that are not of a style; itself, where all are."""
        kept = tuple(step for step in self.config.after if style == "natural" or step.name not in NATURAL)
        return self if len(kept) == len(self.config.after) else self._with_after(kept)

    def brightened(self, stops: float) -> "Restoration":
        """The same weights with `brightness` behind all steps but `field-of-view`, whose promises hold for it too."""
        if stops == 0:
            return self
        after = self.config.after
        place = next((i for i, step in enumerate(after) if isinstance(step, FieldOfViewConfig)), len(after))
        return self._with_after((*after[:place], BrightnessConfig(stops=stops), *after[place:]))

    def _with_after(self, after: tuple[StepConfig, ...]) -> "Restoration":
        """The same weights with these steps behind; those that are there already are shared."""
        there = dict(self.after.items())
        steps = {step.name: there[step.name] if step.name in there else step.build() for step in after}
        other = self.ending_in(steps)
        other.config = replace(self.config, after=after)
        return other

    def ending_in(self, after: Mapping[str, nn.Module]) -> "Restoration":
        """The same weights with these steps, by name, behind the student; its config has those that it had before."""
        other = copy.copy(self)
        other._modules = {**self._modules, "after": nn.ModuleDict(dict(after))}
        other.config = replace(self.config, after=tuple(step for step in self.config.after if step.name in after))
        return other

    def see(self, image: Tensor, whole: Tensor | None = None) -> Tensor:
        """What encoders and transformer see of an image (B, 3, H, W).

        Args:
            image: a degraded photograph in [0, 1], or a crop of one.
            whole: the whole photograph, or a thumbnail of it, where the image is a crop.
        """
        with full_precision(image.device):
            for step in self.before.values():
                image = step(image, image if whole is None else whole)
        return image

    def read(self, photo: Tensor) -> Codes:
        """The conditions of a degraded photograph."""
        return self.student.conditions_of(self.look(photo))

    def look(self, photo: Tensor, parts: RetinexParts | None = None) -> Tensor:
        """What conditions are made of (B, N); `parts` of the photograph's view as it is seen, if they are known."""
        return self.student.look(self.see(view_of(photo, self.view)), parts)

    def calibrate(self, photo: Tensor) -> None:
        """Start the running figures of fresh encoders from these photos; see `PriorTrunk.calibrate`."""
        self.student.calibrate(self.see(view_of(photo, self.view)))

    @property
    def view(self) -> int:
        """Side of the thumbnail that codes are read off; 0 reads the whole photograph."""
        return self.student.config.conditions.view

    def scene(self, photo: Tensor, mean: Codes | None = None) -> Scene:
        """What the steps look at.

        Args:
            photo: (B, 3, H, W) in [0, 1].
            mean: the codes of the mean restoration, where others are to be drawn: all of these get the exposure of that
                one, read off a thumbnail, and keep how they differ in brightness.
        """
        thumbnail = view_of(photo, THUMBNAIL)
        scene = Scene(photo, self.see(photo), self.see(thumbnail))
        return scene if mean is None else scene._replace(curve=self.mean_curve(thumbnail, scene, mean))

    def mean_curve(self, thumbnail: Tensor, scene: Scene, mean: Codes) -> Tensor | None:
        """How much the mean restoration of a thumbnail is lifted; None without `exposure`.

        Args:
            thumbnail: of the photograph, (B, 3, 96, 96).
            scene: what is looked at for the exposure that is expected; and the thumbnail as it is seen.
            mean: codes of the mean restoration.
        """
        exposure = self.exposure
        if exposure is None:
            return None
        small = scene._replace(photo=thumbnail, seen=scene.thumbnail)
        image = self._stepped(small, mean, until="exposure").clamp(0, 1)
        with full_precision(image.device):
            return exposure.curve(image, scene)

    @property
    def exposure(self) -> Exposure | None:
        """That step, if it is there."""
        step = self.after["exposure"] if "exposure" in self.after else None
        return step if isinstance(step, Exposure) else None

    def mean(self, conditions: Codes) -> Codes | None:
        """The codes of the mean restoration, where a step looks at it beside samples; else None."""
        return self.student.mean(conditions) if "exposure" in self.after else None

    def restore(self, scene: Scene, codes: Codes) -> Tensor:
        """The restoration of a scene with given codes, of the photograph's shape, unbounded."""
        return self._stepped(scene, codes)

    def forward(self, photo: Tensor, start: Codes | None = None, steps: int | None = None) -> Tensor:
        """Restore a photograph (B, 3, H, W) of any size from 1x1 up.

        Args:
            photo: in [0, 1].
            start: where the flow starts; None for the config's start.
            steps: of the flow; None for the config's.
        """
        conditions = self.read(photo)
        noisy = start is not None or self.student.config.start == "noise"
        start = self.student.start(len(photo)) if start is None else start
        scene = self.scene(photo, self.mean(conditions) if noisy else None)
        return self.restore(scene, self.student.generate(conditions, start, steps))

    def _stepped(self, scene: Scene, codes: Codes, until: str = "") -> Tensor:
        """Student and steps, up to the one before `until`."""
        image = cast(Tensor, self.student.transformer(scene.seen, *codes).image.float())
        with full_precision(image.device):
            for name, step in self.after.items():
                if name == until:
                    break
                image = step(image, scene)
        return image


def with_steps(restoration: Restoration, config: RestorationConfig) -> Restoration:
    """The same weights with other steps.

    Raises:
        ConfigError: a step needs weights that are not there.
    """
    changed = Restoration(config)
    own, there = changed.state_dict(), restoration.state_dict()
    missing = sorted(set(own) - set(there))
    require(not missing, f"after: {missing[0] if missing else ''} has no weights here; train it (`restorect train`)")
    changed.load_state_dict({name: there[name] for name in own})
    return changed.eval()


@torch.no_grad()
def start_from(network: nn.Module, other: nn.Module) -> None:
    """Copy the weights whose names and shapes agree."""
    own = network.state_dict()
    fitting = {name: t for name, t in other.state_dict().items() if name in own and own[name].shape == t.shape}
    network.load_state_dict(own | fitting)

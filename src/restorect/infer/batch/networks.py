"""What a batch asks of the networks: `Restorer`, or a chooser among several of them."""

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from restorect.infer.auto.decision import Decision
from restorect.infer.batch.settings import Model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class RestorerLike(Model, Protocol):
    """What a batch asks of `restorect.infer.restorer.Restorer`."""

    def __call__(
        self, image: "NDArray[np.float32]", *, strength: float, seed: int, samples: int, steps: int | None
    ) -> Any:  # noqa: ANN401
        """Restore one picture (H, W, 3); a list of pictures if `samples` is above 1."""

    def uncertainty(
        self, image: "NDArray[np.float32]", samples: int, seed: int, *, strength: float, steps: int | None
    ) -> Any:  # noqa: ANN401
        """How far restorations lie apart, (H, W)."""

    @property
    def device(self) -> object:
        """Where the networks run; `str` of it is `cpu` for the machine's own memory."""

    @property
    def default_steps(self) -> int:
        """Steps of the flow when the settings name none."""

    def peak_bytes(self, height: int, width: int) -> int:
        """Memory that restoring one picture of this size takes."""


@runtime_checkable
class Chooser(Model, Protocol):
    """What a batch asks of `restorect.infer.auto.restorer.AutoRestorer`: networks for each photograph."""

    def decide(self, image: "NDArray[np.float32]") -> Decision:
        """What one picture (H, W, 3) needs."""

    def restorer_for(self, decision: Decision) -> RestorerLike:
        """The networks of a decided task; raises `CheckpointError` if there are none."""

    @property
    def device(self) -> object:
        """Where the networks run."""

    def peak_bytes(self, height: int, width: int) -> int:
        """Memory that restoring one picture of this size takes, whichever networks are chosen."""


Networks: TypeAlias = RestorerLike | Chooser

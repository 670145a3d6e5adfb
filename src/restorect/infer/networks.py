"""What a batch asks of networks, whichever engine runs them."""

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from restorect.infer.options import Options, Restored


class Networks(Protocol):
    """One network, or several and a choice among them.

    Attributes:
        task: what they restore, or "auto".
        size: of the networks.
        weights_hash: SHA-256 of all weights.
    """

    task: str
    size: str
    weights_hash: str

    @property
    def device(self) -> Any:  # noqa: ANN401 - a name, or torch's own type
        """Where they run."""

    @property
    def precision(self) -> str:
        """Of convolutions and matrix products."""

    @property
    def engine(self) -> str:
        """What calculates: "torch" or "onnx"."""

    def restore(self, image: Any, options: "Options") -> "Restored":  # noqa: ANN401 - arrays give arrays
        """Restore one photograph."""

    def peak_bytes(self, height: int, width: int) -> int:
        """Estimate of the memory that a photograph of this size takes, in bytes."""


class Network(Networks, Protocol):
    """One network."""

    @property
    def default_steps(self) -> int:
        """Steps of the flow when none are asked for."""

"""RestoRect: restore degraded photographs with latent rectified flow and feature distillation."""

from typing import TYPE_CHECKING, Any

from restorect.errors import RestorectError

if TYPE_CHECKING:
    from restorect.infer.restorer import Restorer

__version__ = "0.1.0"
__all__ = ["RestorectError", "Restorer", "__version__"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module attribute may be anything
    """Load `Restorer`, and with it torch, only when it is asked for."""
    if name == "Restorer":
        from restorect.infer.restorer import Restorer

        return Restorer
    raise AttributeError(f"module 'restorect' has no attribute {name!r}")

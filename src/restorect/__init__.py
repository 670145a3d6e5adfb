"""RestoRect: restore degraded photographs with latent rectified flow and feature distillation."""

from typing import TYPE_CHECKING, Any

from restorect.errors import RestorectError

if TYPE_CHECKING:
    from restorect.infer.load import load
    from restorect.infer.restorer import Restorer

__version__ = "0.1.0"
__all__ = ["RestorectError", "Restorer", "__version__", "load"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module attribute may be anything
    """Load `Restorer` and `load`, and with them torch, only when they are asked for."""
    if name == "Restorer":
        from restorect.infer.restorer import Restorer

        return Restorer
    if name == "load":
        from restorect.infer.load import load

        return load
    raise AttributeError(f"module 'restorect' has no attribute {name!r}")

"""RestoRect: restore degraded photographs with latent rectified flow and feature distillation."""

import os
from typing import TYPE_CHECKING, Any

from restorect.errors import RestorectError

if TYPE_CHECKING:
    from restorect.infer.load import load
    from restorect.infer.restorer import Restorer

# torch reads it once, when it first needs memory. In pages of 4 KB the system takes longer to hand out memory for whole
# maps than the networks take to fill them.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

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

"""`restorect.load`: networks for one task, or for whatever each photograph needs."""

from pathlib import Path

from restorect.auto.decision import AUTO
from restorect.devices import Precision
from restorect.infer.auto_restorer import AutoRestorer
from restorect.infer.restorer import Restorer


def load(
    task: str = AUTO,
    size: str = "tiny",
    *,
    device: str = "cpu",
    weights: Path | str | None = None,
    precision: Precision = "float32",
) -> Restorer | AutoRestorer:
    """Load what restores a photograph when called on it, as `restorect restore` does.

    Arguments and errors are those of `Restorer.load`; besides, `task` may be "auto", which looks at each photograph and
    decides.
    """
    if task == AUTO and weights is None:
        return AutoRestorer.load(size, device=device, precision=precision)
    return Restorer.load(task, size, device=device, weights=weights, precision=precision)

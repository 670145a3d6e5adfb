"""`OnnxAuto`: looks at each photograph, and restores it for what it needs, without torch."""

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from restorect.auto.decision import AUTO
from restorect.engine.limits import check_options
from restorect.engine.restorer import OnnxRestorer, peak_bytes
from restorect.engine.steps import Floats
from restorect.infer.auto_choice import Choice
from restorect.infer.options import Options, Restored


class OnnxAuto:
    """As `AutoRestorer`; the graphs of a task are loaded when first needed.

    Args:
        choice: among which networks.
        load: gives what restores by the networks of a file.
    """

    task, device, precision = AUTO, "cpu", "float32"
    engine: Literal["onnx"] = "onnx"

    def __init__(self, choice: Choice, load: Callable[[Path], OnnxRestorer]) -> None:
        self._choice, self._loaded = choice, functools.cache(load)
        self.size, self.weights_hash = choice.size, choice.weights_hash

    def restore(self, image: Floats, options: Options) -> Restored:
        """Restore one photograph; a good one comes back as a copy. Errors as of `OnnxRestorer.restore`.

        Raises:
            CheckpointError: there are no networks for what the photograph needs.
        """
        check_options(options)
        decision = None if options.strength == 0 else self._choice.classifier.decide(image)
        if decision is None or decision.nothing_to_restore:
            return Restored(images=[image.copy()], decision=decision)
        restorer = self._loaded(self._choice.file_for(decision))
        options = replace(options, strength=decision.eased(options.strength))
        return replace(restorer.restore(image, options), decision=decision)

    def peak_bytes(self, height: int, width: int) -> int:
        """Estimate of the memory that a photograph of this size takes, in bytes."""
        return peak_bytes(height, width)

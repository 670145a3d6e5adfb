"""Among which networks `auto` chooses, whatever runs them; knows no torch."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from restorect.auto.classifier import Classifier
from restorect.auto.decision import Decision
from restorect.errors import CheckpointError
from restorect.files import file_hash
from restorect.weights.catalogue import check_shipped, shipped, shipped_classifier


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A classifier, and weight files by task.

    Attributes:
        classifier: that decides.
        files: of networks.
        size: of them all.
    """

    classifier: Classifier
    files: dict[str, Path]
    size: str

    @classmethod
    def load(cls, size: str) -> "Choice":
        """The shipped classifier and the shipped networks of a size.

        Raises:
            CheckpointError: there is no classifier or no network of this size.
        """
        files = {task: path for (task, each), path in shipped().items() if each == size}
        if not files:
            there = ", ".join(sorted({each for _, each in shipped()})) or "none"
            raise CheckpointError(f"no weights of size {size} come with this package (there is: {there})")
        return cls(classifier=Classifier.load(shipped_classifier()), files=files, size=size)

    @cached_property
    def weights_hash(self) -> str:
        """Of the classifier and of all networks that it may choose, together.

        Raises:
            CheckpointError: one is not the file that was shipped.
        """
        hashes = [self.classifier.weights_hash]
        for task, path in sorted(self.files.items()):
            weights_hash = file_hash(path)
            check_shipped(path, weights_hash)
            hashes.append(f"{task} {weights_hash}")
        return hashlib.sha256("\n".join(hashes).encode()).hexdigest()

    def file_for(self, decision: Decision) -> Path:
        """The weights of the decided task.

        Raises:
            CheckpointError: the package has none for it, or there is nothing to restore.
        """
        if decision.nothing_to_restore:
            raise CheckpointError(f"{decision}; to restore it all the same, load the networks of a task")
        if decision.task not in self.files:
            raise CheckpointError(
                f"looks like a case for {decision.task} ({decision.confidence:.0%} sure), but no weights for "
                f"{decision.task} {self.size} come with this package; choose another with --task"
            )
        return self.files[decision.task]

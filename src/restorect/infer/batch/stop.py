"""The wish to end a batch early."""

import threading


class Stop:
    """Set once, from any thread or signal handler; no further photograph is begun then."""

    def __init__(self) -> None:
        self._set = threading.Event()
        self._asked = False

    def ask(self) -> None:
        """Somebody wants the batch to end after the current photographs."""
        self._asked = True
        self._set.set()

    def give_up(self) -> None:
        """The batch itself cannot or shall not go on (a full disk, the first failure)."""
        self._set.set()

    def is_set(self) -> bool:
        """Whether to begin nothing further."""
        return self._set.is_set()

    @property
    def asked(self) -> bool:
        """Whether somebody asked for it, rather than the batch giving up."""
        return self._asked

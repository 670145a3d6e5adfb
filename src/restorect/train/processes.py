"""Training in several processes (torchrun): who we are, and how gradients meet."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist

from restorect.errors import RestorectError

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """The place of this process among all."""

    rank: int = 0
    count: int = 1
    device: torch.device | None = None

    @property
    def leader(self) -> bool:
        """Whether this process validates, logs and writes."""
        return self.rank == 0

    def share(self, positions: range) -> range:
        """This process's part of a global batch: every count-th position."""
        return positions[self.rank :: self.count]

    def agree(self, value: float) -> float:
        """The leader's value, in every process."""
        if self.count == 1:
            return value
        tensor = torch.tensor([value], dtype=torch.float64, device=self.device)
        dist.broadcast(tensor, src=0)
        return float(tensor)

    def led(self, work: Callable[[], T]) -> T:
        """What comes of the leader's work, in every process, errors too: files of the run lie on its machine alone.

        Tensors must be on the CPU: other processes have other devices.
        """
        if self.count == 1:
            return work()
        told: list[Any] = [None, None]
        if self.leader:
            try:
                told[0] = work()
            except RestorectError as error:
                told[1] = error
        dist.broadcast_object_list(told, src=0, device=self.device)
        if told[1] is not None:
            raise told[1]
        return cast(T, told[0])

    @torch.no_grad()
    def average(self, buffers: Iterable[torch.Tensor]) -> None:
        """Bring running figures, which each process gathers from its own samples, to their mean."""
        if self.count > 1:
            for buffer in filter(torch.is_floating_point, buffers):  # counts are the same in all of them
                dist.all_reduce(buffer)
                buffer.div_(self.count)


@contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """Join the other processes when torchrun started this one, and leave them at the end."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes()
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(dist.get_rank(), count, device)
        # Nobody leaves while another still talks to it. And DistributedDataParallel never lets go of the group, whose
        # threads abort a process that ends while they still hold a tensor of Python's; after this they hold none.
        dist.barrier()
    finally:
        dist.destroy_process_group()

"""A training step recorded once and then played: forward, losses and backward as one CUDA graph.

A step of these networks is thousands of small kernels, and starting them one by one takes a processor several times as
long as a large GPU takes to run them. A graph starts all of them at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from restorect.train.stages import Losses

_WARM_UP = 3  # runs before a recording: libraries choose their kernels and make their constants in them
Work = Callable[[], None]
Record = Callable[[Work, Work], Work]


@dataclass(frozen=True)
class _Recording:
    given: list[Tensor]
    losses: Losses
    gradients: list[Tensor | None]
    play: Work


class Recorded:
    """Learning from what is given, with one recording for each shape of it.

    Args:
        learn: makes the losses of tensors, always by the same operations on the same memory, without asking the device
            for numbers.
        params: gets gradients, and no other graph's.
        record: runs a piece of work, clearing what it leaves behind in between; gives what repeats it in place.
    """

    def __init__(
        self, learn: Callable[..., Losses], params: Sequence[nn.Parameter], record: Record | None = None
    ) -> None:
        self._learn, self._params = learn, list(params)
        self._record = record or cuda_graph
        self._recordings: dict[tuple[torch.Size, ...], _Recording] = {}

    def __call__(self, given: Sequence[Tensor]) -> Losses:
        """The losses, detached; the gradients of their sum are left in the parameters."""
        shapes = tuple(x.shape for x in given)
        if shapes not in self._recordings:
            self._recordings[shapes] = self._recorded(given)
        recording = self._recordings[shapes]
        for own, x in zip(recording.given, given, strict=True):
            own.copy_(x)
        recording.play()
        for p, gradient in zip(self._params, recording.gradients, strict=True):
            p.grad = gradient  # the optimiser may have let go of it
        return {name: loss.clone() for name, loss in recording.losses.items()}

    def _recorded(self, given: Sequence[Tensor]) -> _Recording:
        own, losses = [x.clone() for x in given], Losses()

        def work() -> None:
            made = self._learn(*own)
            torch.stack(list(made.values())).sum().backward()  # type: ignore[no-untyped-call]
            losses.update({name: loss.detach() for name, loss in made.items()})

        play = self._record(work, self._forget)
        return _Recording(own, losses, [p.grad for p in self._params], play)

    def _forget(self) -> None:
        for p in self._params:
            p.grad = None


def cuda_graph(work: Work, clear: Work) -> Work:
    """Record a piece of work on the current CUDA device; gives what plays it."""
    before, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, True  # shapes stay: the search pays
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(_WARM_UP):
            clear()
            work()
    torch.cuda.current_stream().wait_stream(side)
    clear()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    torch.backends.cudnn.benchmark = before
    return graph.replay

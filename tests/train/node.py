"""What a node of a training runs, started by torchrun in its own folder: node.py STAGE STEPS [CHECKPOINT].

Leaves `gradients.pt`, those of the first step before they are clipped, and `network.pt`, as it is at the end.
"""

import sys
from pathlib import Path

import torch
from worker import run

from restorect.train.loop import Trainer

_clip, _train = Trainer._clip, Trainer._train


def clip(self: Trainer, largest: float) -> torch.Tensor:
    if self.state.step == 0:
        gradients = {name: p.grad.clone() for name, p in self.stage.named_parameters() if p.grad is not None}
        torch.save(gradients, "gradients.pt")
    return _clip(self, largest)


def train(self: Trainer, *given: object) -> None:
    _train(self, *given)
    torch.save(self.stage.network.state_dict(), "network.pt")


if __name__ == "__main__":
    Trainer._clip, Trainer._train = clip, train  # type: ignore[method-assign, assignment]
    stage, steps, *checkpoint = sys.argv[1:]
    run(stage, "pairs", Path("run"), int(steps), **({"teacher": checkpoint[0]} if checkpoint else {}))

"""Training of the classifier behind `auto`.

Several small nets, each learnt on all folds but one, are joined into one; what each says of the fold it has not seen
settles how sure it must be before a photograph is touched.
Shapes: x_NF statistics, y_N classes, p_NC probabilities; F statistics, C classes.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from restorect.auto.classifier import LIMIT
from restorect.auto.statistics import Floats
from restorect.configs import require
from restorect.errors import DataError
from restorect.train.auto_data import CLASSES, Examples

_LEAST_SCALE = 1e-3


@dataclass(frozen=True, kw_only=True)
class AutoConfig:
    """How the classifier learns.

    Attributes:
        hidden: width of the hidden layer of each member.
        members: nets that are joined, and folds.
        epochs: passes over the photographs.
        batch: photographs a step.
        lr: highest learning rate of AdamW.
        weight_decay: of AdamW.
        dropout: share of statistics and of hidden units left out while learning.
        smoothing: of the labels.
        good: weight of a good photograph beside a damaged one.
        simulated: weight of a simulated photograph beside a real one, where the task is measured on real ones alone.
        backlit: weight of a real backlit photograph beside another: they are few, and many a dark one is against the
            light as well.
        crafted: weight of a made-up good photograph beside a real one.
        touched: share of unseen good photographs that may be touched at most.
        sure: share of them that may be restored with the whole strength; the others are restored mildly.
        seed: of all that is random.
    """

    hidden: int = 56
    members: int = 5
    epochs: int = 80
    batch: int = 128
    lr: float = 3e-3
    weight_decay: float = 0.03
    dropout: float = 0.3
    smoothing: float = 0.0
    good: float = 2.0
    simulated: float = 1.5
    backlit: float = 3.0
    crafted: float = 0.3
    touched: float = 0.015
    sure: float = 0.008
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("hidden", "epochs", "batch"):
            require(getattr(self, name) >= 1, f"{name} is {getattr(self, name)}; it must be at least 1")
        require(self.members >= 2, f"members is {self.members}; it must be at least 2, so that folds can be left out")
        for name in ("dropout", "smoothing", "touched", "sure"):
            require(0 <= getattr(self, name) < 1, f"{name} is {getattr(self, name)}; it must be from 0 to below 1")
        require(self.sure <= self.touched, f"sure is {self.sure}; it must be at most touched ({self.touched})")
        require(self.lr > 0 and self.weight_decay >= 0, "lr must be above 0, weight_decay at least 0")
        for name in ("good", "simulated", "backlit", "crafted"):
            require(getattr(self, name) > 0, f"{name} is {getattr(self, name)}; it must be above 0")


@dataclass(frozen=True)
class Learnt:
    """A trained classifier.

    Attributes:
        layers: of a `Classifier`.
        thresholds: below which a task is restored.
        sure: below which it is with the whole strength.
    """

    layers: dict[str, NDArray[Any]]
    thresholds: dict[str, float]
    sure: dict[str, float]


def train_classifier(examples: Examples, config: AutoConfig) -> Learnt:
    """Learn the layers of a `Classifier`, and the thresholds below which a task is restored.

    Raises:
        DataError: a class has no photograph to learn from, or there are too few scenes to leave some out.
    """
    there = ~examples.measured
    x, y, learnt = examples.x[there], examples.y[there], examples.learnt[there]
    for place, name in enumerate(CLASSES):
        if not (y[learnt] == place).any():
            raise DataError(f"auto: no photograph of {name!r} to learn from; give --data or --clean for each task")
    scenes = [scene for scene, use in zip(examples.scenes, there, strict=True) if use]
    fold = np.array(
        [zlib.crc32(f"{config.seed}{scene}".encode("utf-8", "surrogateescape")) % config.members for scene in scenes]
    )
    mean, scale = x[learnt].mean(axis=0), x[learnt].std(axis=0) + _LEAST_SCALE
    standard = torch.from_numpy(((x - mean) / scale).clip(-LIMIT, LIMIT).astype(np.float32))
    weight = _weights(examples, config)[there] * np.where(y == 0, config.good, 1).astype(np.float32)
    targets, counted = torch.from_numpy(y), torch.from_numpy(weight)
    members: list[_Member] = []
    unseen = np.zeros((len(y), len(CLASSES)), np.float32)
    for number in range(config.members):
        use = torch.from_numpy((fold != number) & learnt)
        if not use.any():
            raise DataError(
                f"auto: all photographs fall into one of {config.members} folds by scene; give more of them"
            )
        member = _learn(standard[use], targets[use], counted[use], config, config.seed + number)
        with torch.no_grad():
            unseen[fold == number] = member(standard[torch.from_numpy(fold == number)]).softmax(dim=1).numpy()
        members.append(member)
    layers = _joined(members) | {"mean": mean, "scale": scale}
    once = _once(examples, config)[there]
    judged = once > 0
    limits = (thresholds(unseen[judged], y[judged], once[judged], share) for share in (config.touched, config.sure))
    return Learnt(layers, *limits)


def _needed(examples: Examples) -> NDArray[np.bool_]:
    """Simulated photographs of tasks with hardly a real one, which therefore are measured on simulations."""
    tasks = np.unique(examples.y[examples.measured & examples.simulated])
    return examples.simulated & np.isin(examples.y, tasks)


def _once(examples: Examples, config: AutoConfig) -> Floats:
    """Weights with which thresholds are settled: a real photograph counts once and its varied copies not at all."""
    made = examples.simulated | (examples.crafted != "")
    return np.where(made, _weights(examples, config), examples.original).astype(np.float32)


def _weights(examples: Examples, config: AutoConfig) -> Floats:
    """What each photograph counts; of a task with hardly a real one, simulations count as much as real ones do."""
    less = np.where(examples.simulated & ~_needed(examples), config.simulated, 1)
    made = np.where(examples.crafted != "", config.crafted, 1)
    more = np.where((examples.y == CLASSES.index("backlit")) & ~examples.simulated, config.backlit, 1)
    return np.asarray(examples.weight * less * made * more, dtype=np.float32)


def thresholds(p_NC: Floats, y_N: NDArray[np.int64], weight_N: Floats, touched: float) -> dict[str, float]:
    """How improbable "nothing" must be before a photograph is touched.

    Of all thresholds up to one half: those that restore most damaged photographs for the right task while at most
    `touched` of the good ones are touched. One price of a touched good photograph holds for all tasks (Lagrange).
    """
    allowed = touched * float(weight_N[y_N == 0].sum())
    low, high = 0.0, 1e3
    found, cost = _at_price(p_NC, y_N, weight_N, low)
    if cost <= allowed:
        return found
    for _ in range(40):
        price = (low + high) / 2
        _, cost = _at_price(p_NC, y_N, weight_N, price)
        low, high = (low, price) if cost <= allowed else (price, high)
    return _at_price(p_NC, y_N, weight_N, high)[0]


def _at_price(p_NC: Floats, y_N: NDArray[np.int64], weight_N: Floats, price: float) -> tuple[dict[str, float], float]:
    """Each task's best threshold where a touched good photograph costs so much; and what all touch of the good ones."""
    found, cost = {}, 0.0
    likeliest = 1 + p_NC[:, 1:].argmax(axis=1)
    for place, task in enumerate(CLASSES[1:], start=1):
        some = (likeliest == place) & (p_NC[:, 0] < 0.5)
        order = np.argsort(p_NC[some, 0], kind="stable")
        nothing, truth, weight = p_NC[some, 0][order], y_N[some][order], weight_N[some][order]
        right = np.concatenate([[0.0], np.cumsum(weight * (truth == place))])
        good = np.concatenate([[0.0], np.cumsum(weight * (truth == 0))])
        best = int(np.argmax(right - price * good))
        ends = np.concatenate([[0.0], nothing, [0.5]])
        found[task] = float(ends[best] + ends[best + 1]) / 2 if best < len(nothing) else 0.5
        cost += float(good[best])
    return found, cost


class _Member(nn.Module):
    """One hidden layer."""

    def __init__(self, inputs: int, hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(inputs, hidden), nn.Linear(hidden, len(CLASSES))
        with torch.no_grad():
            for layer in (self.first, self.second):
                bound = layer.in_features**-0.5
                layer.weight.uniform_(-bound, bound, generator=generator)
                layer.bias.zero_()

    def forward(self, x: Tensor, dropout: float = 0.0, generator: torch.Generator | None = None) -> Tensor:
        """Logits; dropout draws from the generator."""
        hidden = F.relu(self.first(_dropped(x, dropout, generator)))
        logits: Tensor = self.second(_dropped(hidden, dropout, generator))
        return logits


def _learn(x_NF: Tensor, y_N: Tensor, weight_N: Tensor, config: AutoConfig, seed: int) -> _Member:
    """One member; each photograph counts by its weight, so that probabilities are as frequent as they say."""
    generator = torch.Generator().manual_seed(seed)
    member = _Member(x_NF.shape[1], config.hidden, generator)
    optimiser = torch.optim.AdamW(member.parameters(), config.lr, weight_decay=config.weight_decay)
    steps = config.epochs * -(-len(x_NF) // config.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.lr, total_steps=steps)
    for _ in range(config.epochs):
        order = torch.randperm(len(x_NF), generator=generator)
        for begin in range(0, len(order), config.batch):
            some = order[begin : begin + config.batch]
            logits = member(x_NF[some], config.dropout, generator)
            each = F.cross_entropy(logits, y_N[some], reduction="none", label_smoothing=config.smoothing)
            loss = (each * weight_N[some]).sum() / weight_N[some].sum()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return member.eval()


def _dropped(x: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    return x if generator is None else x * (torch.rand(x.shape, generator=generator) >= share) / (1 - share)


def _joined(members: Sequence[_Member]) -> dict[str, NDArray[Any]]:
    """One net whose outputs are the mean of the members' outputs."""
    first, second = [member.first for member in members], [member.second for member in members]
    layers = {
        "weight_1": torch.cat([layer.weight for layer in first]).T,
        "bias_1": torch.cat([layer.bias for layer in first]),
        "weight_2": torch.cat([layer.weight for layer in second], dim=1).T / len(members),
        "bias_2": torch.stack([layer.bias for layer in second]).mean(dim=0),
    }
    return {name: tensor.detach().contiguous().numpy() for name, tensor in layers.items()}

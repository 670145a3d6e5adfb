"""Training of the classifier behind `auto`, and its card.

Several small nets, each learnt on all folds but one, are joined into one; what each says of the fold it has not seen
settles how sure it must be before a photograph is touched.
Shapes: x_NF statistics, y_N classes, p_NC probabilities; F statistics, C classes.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from restorect.configs import require
from restorect.errors import DataError
from restorect.files import write_atomically
from restorect.infer.auto.classifier import LIMIT, Classifier, ClassifierCard, pack
from restorect.infer.auto.statistics import Floats
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
        touched: share of unseen good photographs that may be touched at most.
        seed: of all that is random.
    """

    hidden: int = 64
    members: int = 5
    epochs: int = 20
    batch: int = 128
    lr: float = 3e-3
    weight_decay: float = 0.03
    dropout: float = 0.2
    smoothing: float = 0.0
    good: float = 1.0
    simulated: float = 0.25
    touched: float = 0.006
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("hidden", "epochs", "batch"):
            require(getattr(self, name) >= 1, f"{name} is {getattr(self, name)}; it must be at least 1")
        require(self.members >= 2, f"members is {self.members}; it must be at least 2, so that folds can be left out")
        for name in ("dropout", "smoothing", "touched"):
            require(0 <= getattr(self, name) < 1, f"{name} is {getattr(self, name)}; it must be from 0 to below 1")
        require(self.lr > 0 and self.weight_decay >= 0, "lr must be above 0, weight_decay at least 0")
        require(self.good > 0 and self.simulated > 0, "good and simulated must be above 0")


@dataclass(frozen=True)
class Measured:
    """How a classifier does on held-out photographs.

    Attributes:
        confusion: (C, C), rows the truth, columns the decision.
        among_four: share of damaged photographs whose most probable task is the right one, "none" left aside.
        right: share of damaged photographs that are touched, and for the right task.
        touched: share of good photographs that are touched.
        wrong: names, truth and decision of what went wrong.
        twice: how many of these photographs are among them under another class too.
        among_four_once, touched_once: the same shares without those.
    """

    confusion: NDArray[np.int64]
    among_four: float
    right: float
    touched: float
    wrong: tuple[tuple[str, str, str], ...]
    twice: int
    among_four_once: float
    touched_once: float


def train_classifier(examples: Examples, config: AutoConfig) -> tuple[dict[str, NDArray[Any]], dict[str, float]]:
    """Learn the layers of a `Classifier`, and the thresholds below which a task is restored.

    Raises:
        DataError: a class has no photograph to learn from.
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
    weight = _weights(examples, config.simulated)[there] * np.where(y == 0, config.good, 1).astype(np.float32)
    targets, counted = torch.from_numpy(y), torch.from_numpy(weight)
    members: list[_Member] = []
    unseen = np.zeros((len(y), len(CLASSES)), np.float32)
    for number in range(config.members):
        use = torch.from_numpy((fold != number) & learnt)
        member = _learn(standard[use], targets[use], counted[use], config, config.seed + number)
        with torch.no_grad():
            unseen[fold == number] = member(standard[torch.from_numpy(fold == number)]).softmax(dim=1).numpy()
        members.append(member)
    layers = _joined(members) | {"mean": mean, "scale": scale}
    once = _once(examples)[there]
    judged = once > 0
    return layers, thresholds(unseen[judged], y[judged], once[judged], config.touched)


def _needed(examples: Examples) -> NDArray[np.bool_]:
    """Simulated photographs of tasks with hardly a real one, which therefore are measured on simulations."""
    tasks = np.unique(examples.y[examples.measured & examples.simulated])
    return examples.simulated & np.isin(examples.y, tasks)


def _once(examples: Examples) -> Floats:
    """Weights with which thresholds are settled: every photograph counts once, as it does on the card."""
    real = examples.original & ~examples.simulated
    return np.where(real, 1, np.where(_needed(examples), examples.weight, 0)).astype(np.float32)


def _weights(examples: Examples, simulated: float) -> Floats:
    """What each photograph counts; of a task with hardly a real one, simulations count as much as real ones do."""
    less = examples.simulated & ~_needed(examples)
    return np.asarray(examples.weight * np.where(less, simulated, 1), dtype=np.float32)


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


def measure(classifier: Classifier, examples: Examples) -> Measured:
    """Judge a classifier on the photographs held out."""
    x, y = examples.x[examples.measured], examples.y[examples.measured]
    names = [name for name, use in zip(examples.names, examples.measured, strict=True) if use]
    if len(y) == 0:
        raise DataError("auto: no photograph is held out to measure on; give --val")
    p_NC = classifier.probabilities(x)
    decided = np.array([CLASSES.index(classifier.judge(p).task) for p in p_NC])
    confusion = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    np.add.at(confusion, (y, decided), 1)
    damaged, once = y > 0, ~examples.twice[examples.measured]
    likeliest = 1 + p_NC[:, 1:].argmax(axis=1)
    wrong = [(n, CLASSES[t], CLASSES[d]) for n, t, d in zip(names, y, decided, strict=True) if t != d]
    return Measured(
        confusion=confusion,
        among_four=_share((likeliest == y)[damaged]),
        right=_share((decided == y)[damaged]),
        touched=_share((decided != 0)[~damaged]),
        wrong=tuple(wrong),
        twice=int((~once).sum()),
        among_four_once=_share((likeliest == y)[damaged & once]),
        touched_once=_share((decided != 0)[~damaged & once]),
    )


def write(path: Path, layers: dict[str, NDArray[Any]], examples: Examples, **card: Any) -> Measured:  # noqa: ANN401
    """Write a classifier measured as written, and its card beside it; `card`: `thresholds`, `data`."""
    classifier = Classifier(layers, ClassifierCard(classes=CLASSES, **card), "")
    figures = measure(classifier, examples)
    metrics = {
        "among_four": round(figures.among_four, 4),
        "right": round(figures.right, 4),
        "touched": round(figures.touched, 4),
        "confusion": figures.confusion.tolist(),
    }
    full = ClassifierCard(classes=CLASSES, metrics=metrics, **card)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, pack(layers, full))
    write_atomically(path.with_suffix(".md"), describe(path.name, full, figures).encode("utf-8", "backslashreplace"))
    return figures


def describe(name: str, card: ClassifierCard, figures: Measured) -> str:
    """The card as Markdown, with the confusion matrix."""
    damaged = int(figures.confusion[1:].sum())
    limits = ", ".join(f"{task} {limit:.3f}" for task, limit in card.thresholds.items())
    lines = [
        f"# {name}",
        "",
        "- kind: classifier of photographs for `auto`",
        f"- licence: {card.licence}",
        f"- trained on: {', '.join(card.data)}",
        f"- a photo is restored only where the probability of `none` lies below: {limits}",
        "",
        "Held-out photographs, by what they are (rows) and what is decided (columns):",
        "",
        f"| | {' | '.join(CLASSES)} | right |",
        f"|---{'|---' * (len(CLASSES) + 1)}|",
    ]
    for task, row in zip(CLASSES, figures.confusion, strict=True):
        cells = " | ".join(str(int(count)) for count in row)
        share = f"{row[CLASSES.index(task)] / row.sum():.1%}" if row.sum() else "-"
        lines.append(f"| **{task}** | {cells} | {share} |")
    lines += [
        "",
        f"- right among the four tasks: {figures.among_four:.1%} of {damaged} damaged photographs: the likeliest task "
        "is the right one, whether or not the photograph is then touched",
        f"- touched, and for the right task: {figures.right:.1%} of them",
        f"- good photographs touched, for whichever task: {figures.touched:.1%} of {int(figures.confusion[0].sum())}",
        f"- {figures.twice} of these photographs are here under two classes, so that one of two answers must be wrong; "
        f"without them {figures.among_four_once:.1%} are right among the four, {figures.touched_once:.1%} touched",
        "- thresholds were settled on the photographs learnt from, each judged by a net that had not seen its scene",
    ]
    return "\n".join(lines) + "\n"


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


def _share(truth: NDArray[np.bool_]) -> float:
    return float(truth.mean()) if len(truth) else 0.0

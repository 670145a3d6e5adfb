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
        good: weight of good photographs beside all tasks.
        touched: share of unseen good photographs that may be touched at most.
        seed: of all that is random.
    """

    hidden: int = 32
    members: int = 5
    epochs: int = 30
    batch: int = 128
    lr: float = 3e-3
    weight_decay: float = 0.03
    dropout: float = 0.2
    smoothing: float = 0.0
    good: float = 1.0
    touched: float = 0.02
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("hidden", "epochs", "batch"):
            require(getattr(self, name) >= 1, f"{name} is {getattr(self, name)}; it must be at least 1")
        require(self.members >= 2, f"members is {self.members}; it must be at least 2, so that folds can be left out")
        for name in ("dropout", "smoothing", "touched"):
            require(0 <= getattr(self, name) < 1, f"{name} is {getattr(self, name)}; it must be from 0 to below 1")
        require(self.lr > 0 and self.weight_decay >= 0, "lr must be above 0, weight_decay at least 0")


@dataclass(frozen=True)
class Measured:
    """How a classifier does on held-out photographs.

    Attributes:
        confusion: (C, C), rows the truth, columns the decision.
        among_four: share of damaged photographs whose most probable task is the right one.
        right: share of damaged photographs that are touched, and for the right task.
        touched: share of good photographs that are touched.
        wrong: names, truth and decision of what went wrong.
    """

    confusion: NDArray[np.int64]
    among_four: float
    right: float
    touched: float
    wrong: tuple[tuple[str, str, str], ...]


def train_classifier(examples: Examples, config: AutoConfig) -> tuple[dict[str, NDArray[Any]], dict[str, float]]:
    """Learn the layers of a `Classifier`, and the thresholds below which a task is restored.

    Raises:
        DataError: a class has no photograph to learn from.
    """
    learnt = ~examples.measured
    x, y, original = examples.x[learnt], examples.y[learnt], examples.original[learnt]
    for place, name in enumerate(CLASSES):
        if not (y == place).any():
            raise DataError(f"auto: no photograph of {name!r} to learn from; give --data or --clean for each task")
    scenes = [scene for scene, use in zip(examples.scenes, learnt, strict=True) if use]
    fold = np.array([zlib.crc32(f"{config.seed}{scene}".encode()) % config.members for scene in scenes])
    mean, scale = x.mean(axis=0), x.std(axis=0) + _LEAST_SCALE
    standard = torch.from_numpy(((x - mean) / scale).clip(-LIMIT, LIMIT).astype(np.float32))
    members: list[_Member] = []
    unseen = np.zeros((len(y), len(CLASSES)), np.float32)
    for number in range(config.members):
        use = torch.from_numpy(fold != number)
        member = _learn(standard[use], torch.from_numpy(y)[use], config, config.seed + number)
        with torch.no_grad():
            unseen[fold == number] = member(standard[~use]).softmax(dim=1).numpy()
        members.append(member)
    layers = _joined(members) | {"mean": mean, "scale": scale}
    return layers, thresholds(unseen[original], y[original], config.touched)


def thresholds(p_NC: Floats, y_N: NDArray[np.int64], touched: float) -> dict[str, float]:
    """How improbable "nothing" must be before a photograph is touched, so that few good ones are.

    Each task may touch an even part of `touched`, counted over all good photographs; none needs less than one half.
    """
    good = p_NC[y_N == 0]
    allowed = int(touched * len(good) / (len(CLASSES) - 1))
    found = {}
    for place, task in enumerate(CLASSES[1:], start=1):
        candidates = np.sort(good[1 + good[:, 1:].argmax(axis=1) == place, 0])
        found[task] = float(min(0.5, candidates[allowed])) if len(candidates) > allowed else 0.5
    return found


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
    damaged = y > 0
    wrong = [(n, CLASSES[t], CLASSES[d]) for n, t, d in zip(names, y, decided, strict=True) if t != d]
    return Measured(
        confusion=confusion,
        among_four=_share((1 + p_NC[:, 1:].argmax(axis=1) == y)[damaged]),
        right=_share((decided == y)[damaged]),
        touched=_share((decided != 0)[~damaged]),
        wrong=tuple(wrong),
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
    write_atomically(path.with_suffix(".md"), describe(path.name, full, figures).encode())
    return figures


def describe(name: str, card: ClassifierCard, figures: Measured) -> str:
    """The card as Markdown, with the confusion matrix."""
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
        f"- right among the four tasks: {figures.among_four:.1%} of the damaged photographs",
        f"- touched, and for the right task: {figures.right:.1%} of them",
        f"- good photographs touched: {figures.touched:.1%}",
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


def _learn(x_NF: Tensor, y_N: Tensor, config: AutoConfig, seed: int) -> _Member:
    """One member; classes count by the root of their number, so that small ones are heard."""
    generator = torch.Generator().manual_seed(seed)
    member = _Member(x_NF.shape[1], config.hidden, generator)
    counts = torch.bincount(y_N, minlength=len(CLASSES)).clamp(min=1).float()
    weight = counts.rsqrt() / counts.rsqrt().mean()
    weight[0] *= config.good
    optimiser = torch.optim.AdamW(member.parameters(), config.lr, weight_decay=config.weight_decay)
    steps = config.epochs * -(-len(x_NF) // config.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.lr, total_steps=steps)
    for _ in range(config.epochs):
        order = torch.randperm(len(x_NF), generator=generator)
        for begin in range(0, len(order), config.batch):
            some = order[begin : begin + config.batch]
            logits = member(x_NF[some], config.dropout, generator)
            loss = F.cross_entropy(logits, y_N[some], weight, label_smoothing=config.smoothing)
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

"""How good a classifier is on photographs held out, and the card that says so.

Shapes: x_NF statistics, p_NC probabilities; F statistics, C classes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restorect.auto.classifier import Classifier, ClassifierCard, pack
from restorect.auto.statistics import Floats
from restorect.errors import DataError
from restorect.files import write_atomically
from restorect.train.auto_data import CLASSES, Examples
from restorect.train.auto_good import KINDS
from restorect.train.writing import card_beside


@dataclass(frozen=True)
class Measured:
    """How a classifier does on held-out photographs.

    Attributes:
        confusion: (C, C), rows the truth, columns the decision.
        among_four: share of damaged photographs whose most probable task is the right one, "none" left aside.
        right: share of damaged photographs that are touched, and for the right task.
        touched: share of good photographs that are touched.
        mild: of the damaged and of the good photographs that are touched, how many are mildly.
        wrong: names, truth and decision of what went wrong.
        twice: how many of these photographs are among them under another class too.
        among_four_once, touched_once: the same shares without those.
        crafted: of each kind of made-up good photographs, which are not among those above, how many are touched and
            how many there are.
    """

    confusion: NDArray[np.int64]
    among_four: float
    right: float
    touched: float
    mild: tuple[int, int]
    wrong: tuple[tuple[str, str, str], ...]
    twice: int
    among_four_once: float
    touched_once: float
    crafted: dict[str, tuple[int, int]]


def measure(classifier: Classifier, examples: Examples) -> Measured:
    """Judge a classifier on the photographs held out."""
    photos = examples.measured & (examples.crafted == "")
    y, names = examples.y[photos], [name for name, use in zip(examples.names, photos, strict=True) if use]
    if len(y) == 0:
        raise DataError("auto: no photograph is held out to measure on; give --val")
    p_NC, decided, mild = _decided(classifier, examples.x[photos])
    confusion = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    np.add.at(confusion, (y, decided), 1)
    damaged, once = y > 0, ~examples.twice[photos]
    likeliest = 1 + p_NC[:, 1:].argmax(axis=1)
    wrong = [(n, CLASSES[t], CLASSES[d]) for n, t, d in zip(names, y, decided, strict=True) if t != d]
    return Measured(
        confusion=confusion,
        among_four=_share((likeliest == y)[damaged]),
        right=_share((decided == y)[damaged]),
        touched=_share((decided != 0)[~damaged]),
        mild=(int(mild[damaged].sum()), int(mild[~damaged].sum())),
        wrong=tuple(wrong),
        twice=int((~once).sum()),
        among_four_once=_share((likeliest == y)[damaged & once]),
        touched_once=_share((decided != 0)[~damaged & once]),
        crafted={kind: _touched(classifier, examples, kind) for kind in KINDS},
    )


def _decided(classifier: Classifier, x_NF: Floats) -> tuple[Floats, NDArray[np.int64], NDArray[np.bool_]]:
    """Probabilities, places of the classes decided for, and whether mildly."""
    p_NC = classifier.probabilities(x_NF)
    decisions = [classifier.judge(p) for p in p_NC]
    places = np.array([CLASSES.index(decision.task) for decision in decisions], np.int64)
    return p_NC, places, np.array([decision.mild for decision in decisions], np.bool_)


def _touched(classifier: Classifier, examples: Examples, kind: str) -> tuple[int, int]:
    """Of a kind of made-up good photographs, how many are touched, and how many are measured."""
    made = examples.measured & (examples.crafted == kind)
    return int((_decided(classifier, examples.x[made])[1] != 0).sum()), int(made.sum())


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
    write_atomically(card_beside(path), describe(path.name, full, figures).encode("utf-8", "backslashreplace"))
    return figures


def describe(name: str, card: ClassifierCard, figures: Measured) -> str:
    """The card as Markdown, with the confusion matrix."""
    damaged = int(figures.confusion[1:].sum())
    limits, sure = (
        ", ".join(f"{task} {limit:.3f}" for task, limit in each.items())
        for each in (card.thresholds, card.sure or card.thresholds)
    )
    lines = [
        f"# {name}",
        "",
        "- kind: classifier of photographs for `auto`",
        f"- licence: {card.licence}",
        f"- trained on: {', '.join(card.data)}",
        f"- a photo is restored only where the probability of `none` lies below: {limits}",
        f"- with half of the strength where it does not lie below: {sure}",
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
    crafted = ", ".join(f"{kind} {touched} of {count}" for kind, (touched, count) in figures.crafted.items())
    lines += [
        "",
        f"- right among the four tasks: {figures.among_four:.1%} of {damaged} damaged photographs: the likeliest task "
        "is the right one, whether or not the photograph is then touched",
        f"- touched, and for the right task: {figures.right:.1%} of them",
        f"- good photographs touched, for whichever task: {figures.touched:.1%} of {int(figures.confusion[0].sum())}",
        f"- of those touched, mildly: {figures.mild[0]} damaged and {figures.mild[1]} good ones",
        f"- {figures.twice} of these photographs are here under two classes, so that one of two answers must be wrong; "
        f"without them {figures.among_four_once:.1%} are right among the four, {figures.touched_once:.1%} touched",
        f"- made-up good photographs touched, beside those above: {crafted}",
        "- thresholds were settled on the photographs learnt from, each judged by a net that had not seen its scene",
    ]
    return "\n".join(lines) + "\n"


def _share(truth: NDArray[np.bool_]) -> float:
    return float(truth.mean()) if len(truth) else 0.0

"""What the flow's samples know: their spread against the true error, and the best of K against brackets of brightness.

    python benchmarks/flow_samples.py DATA/val --task low-light --size tiny --samples 16 --every 2 --first 1

Prints a Markdown table, all in style reference, PSNR on RGB in 8 bit (`rgb-full`); GT-mean scales the output's mean to
the truth's. "Best of" lets the truth choose, as a photographer would who knows what the place looked like: samples
evenly from dark to bright, against the likeliest restoration and the same made brighter and darker (`STOPS`).
"""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import restorect
from restorect.data.pairs import find_pairs
from restorect.images.seen import read_srgb
from restorect.infer.options import Options
from restorect.infer.restorer import Restorer

STOPS = (-1.0, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1.0)
BRACKETS = {3: (-0.75, 0.75), 5: (-1.0, -0.5, 0.5, 1.0), 9: STOPS}
Array = NDArray[Any]


class Photo(NamedTuple):
    """What was measured on a photograph; brightness is log2 of a mean.

    Attributes:
        mean: PSNR and GT-mean PSNR of the likeliest restoration.
        average: the same of all samples' average.
        samples: PSNR of each sample, from dark to bright.
        brackets: PSNR of the likeliest restoration at `STOPS`.
        spread: standard deviation of the samples' brightness.
        error: of the likeliest restoration's brightness.
    """

    mean: tuple[float, float]
    average: tuple[float, float]
    samples: list[float]
    brackets: list[float]
    spread: float
    error: float


def psnr(image: Array, truth: Array) -> float:
    """In dB, of values up to 255."""
    return float(-10 * np.log10(np.square(image.astype(np.float32) - truth).mean() / 255**2))


def both(image: Array, truth: Array) -> tuple[float, float]:
    """(PSNR, GT-mean PSNR)."""
    return psnr(image, truth), psnr((image * (truth.mean() / image.mean())).clip(0, 255), truth)


def measured(restorer: Restorer, low: Array, truth: Array, count: int) -> Photo:
    """All that is measured on a pair of photographs of 8 bit."""
    likeliest = restorer.restore(low, Options(style="reference")).images[0]
    samples = restorer.restore(low, Options(style="reference", samples=count, seed=1)).images
    brackets = [restorer.restore(low, Options(style="reference", brightness=stops)).images[0] for stops in STOPS]
    brightness = [float(np.log2(each.mean())) for each in (likeliest, truth, *samples)]
    return Photo(
        both(likeliest.astype(np.float32), truth),
        both(np.mean([sample.astype(np.float32) for sample in samples], axis=0), truth),
        [psnr(sample, truth) for sample in samples],
        [psnr(bracket, truth) for bracket in brackets],
        float(np.std(brightness[2:])),
        abs(brightness[0] - brightness[1]),
    )


def table(photos: list[Photo]) -> list[str]:
    """Lines of Markdown."""
    samples, mean = np.array([each.samples for each in photos]), np.array([each.mean for each in photos])
    brackets = dict(zip(STOPS, np.array([each.brackets for each in photos]).T, strict=True))
    average = np.mean([each.average for each in photos], axis=0)
    lines = [
        "| what | PSNR | GT-mean PSNR |",
        "|---|---|---|",
        f"| likeliest restoration | {mean[:, 0].mean():.2f} | {mean[:, 1].mean():.2f} |",
        f"| one sample | {samples.mean():.2f} | |",
        f"| average of {samples.shape[1]} samples | {average[0]:.2f} | {average[1]:.2f} |",
    ]
    for count, stops in BRACKETS.items():
        best = np.max([mean[:, 0], *(brackets[stop] for stop in stops)], axis=0).mean()
        picks = np.linspace(0, samples.shape[1] - 1, 2 * count + 1).round().astype(int)[1::2]
        ours = samples[:, picks].max(axis=1).mean()
        lines.append(f"| best of {count}: samples, brackets | {ours:.2f}, {best:.2f} | |")
    return lines


def calibration(photos: list[Photo]) -> str:
    """A sentence on what the samples' spread tells of the error."""
    spread, error = np.array([each.spread for each in photos]), np.array([each.error for each in photos])
    sure = spread <= np.median(spread)
    return (
        f"Error of brightness (stops): {error[sure].mean():.3f} on the half of the photos whose samples lie close, "
        f"{error[~sure].mean():.3f} on the other; correlation {np.corrcoef(spread, error)[0, 1]:.2f}, "
        f"mean spread {spread.mean():.3f}, mean error {error.mean():.3f}; {len(photos)} photos."
    )


def main() -> None:
    """See the docstring of this module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--task", default="low-light")
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    restorer = restorect.load(options.task, options.size)
    pairs = find_pairs([options.folder])[options.first :: options.every]
    read = [(read_srgb(pair.low), read_srgb(pair.high).astype(np.float32)) for pair in pairs]
    photos = [measured(restorer, low, truth, options.samples) for low, truth in read]
    print("\n".join(table(photos)), calibration(photos), sep="\n\n")


if __name__ == "__main__":
    main()

"""What codes are worth: a student's transformer fed with codes of several origins, up to the teacher's own.

    python benchmarks/codes_worth.py DATA/val --size tiny --teacher TEACHER --every 2

Prints a Markdown table: PSNR and SSIM on RGB in style reference, and both at GT-mean. Rows are the regression in front
of the flow, the flow from the mean in some steps, samples from noise whose pictures are averaged, the teacher's codes
(they know the truth) behind the student's steps and bare, and the teacher itself, bare: a teacher that is no better
there than its student has nothing to teach by its features (FLEX).
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from restorect.data.pairs import find_pairs
from restorect.data.store import PairStore
from restorect.metrics.gt_mean import gt_mean
from restorect.metrics.psnr import psnr
from restorect.metrics.ssim import ssim
from restorect.nets.checkpoint import load_teacher
from restorect.nets.codes import noise_codes
from restorect.nets.teacher import Teacher
from restorect.render.checkpoint import load_restoration
from restorect.render.restoration import Restoration
from restorect.weights.catalogue import shipped_weights

STEPS = (1, 2, 4, 8)
SAMPLES = (1, 4, 16)
SAMPLE_STEPS = 8


def figures(image: Tensor, truth: Tensor) -> tuple[float, ...]:
    """(PSNR, SSIM, both at GT-mean) of images (1, 3, H, W)."""
    pairs = ((image.clamp(0, 1), truth), gt_mean(image.clamp(0, 1), truth))
    return tuple(float(score) for pair in pairs for score in (psnr(*pair), ssim(*pair)))


def images(net: Restoration, teacher: Teacher, low: Tensor, truth: Tensor) -> Iterator[tuple[str, Tensor]]:
    """(origin of the codes, the picture that comes of them)."""
    student, conditions = net.student, net.read(low)
    scene = net.scene(low, net.mean(conditions))
    if student.estimate is not None:
        yield "the estimate alone", net.restore(scene, conditions)
    for steps in STEPS:
        yield (
            f"flow from the mean, steps: {steps}",
            net.restore(scene, student.generate(conditions, student.start(1, "mean"), steps)),
        )
    generator, total = torch.Generator().manual_seed(1), torch.zeros_like(low)
    for count in range(1, max(SAMPLES) + 1):
        codes = student.generate(conditions, noise_codes(1, generator, low.device), SAMPLE_STEPS)
        total += net.restore(scene, codes).clamp(0, 1)
        if count in SAMPLES:
            yield f"samples averaged: {count}", total / count
    told = teacher.encode(low, truth)
    yield "the teacher's codes", net.restore(scene, told)
    yield "the teacher's codes, bare", student.transformer(net.see(low), *told).image
    yield "the teacher itself, bare", teacher.transformer(low, *told).image


@torch.no_grad()
def main() -> None:
    """See the docstring of this module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--task", default="low-light")
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    net = load_restoration(shipped_weights(options.task, options.size))[0].in_style("reference")
    teacher = load_teacher(options.teacher)[0]
    store = PairStore(find_pairs([options.folder])[:: options.every], torch.device("cpu"), 2)
    rows: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for number in range(len(store)):
        low, truth = (image[None].float() / 255 for image in store[number])
        for origin, image in images(net, teacher, low, truth):
            rows[origin].append(figures(image.float(), truth))
    print(f"| {options.size}, {len(store)} photos | PSNR | SSIM | GT-mean PSNR | GT-mean SSIM |\n|---|---|---|---|---|")
    for origin, measured in rows.items():
        means = torch.tensor(measured).mean(dim=0).tolist()
        print(f"| {origin} | {means[0]:.2f} | {means[1]:.3f} | {means[2]:.2f} | {means[3]:.3f} |")


if __name__ == "__main__":
    main()

"""Paired low-light benchmarks: LOL-v1, LOL-v2 (real, synthetic), SID, SICE-Mix and SICE-Grad."""

from restorect.evaluate.benchmarks.benchmark import Benchmark, Layout, Published
from restorect.evaluate.benchmarks.published import cidnet, restorect_paper, reti_diff, retinexformer
from restorect.evaluate.cases import KeyRule

_NOT_STATED = "none stated by its authors; used for research"
_RETINEXFORMER = "the Retinexformer repository (https://github.com/caiyuanhao1998/Retinexformer)"
_CIDNET = "the HVI-CIDNet repository (https://github.com/Fediory/HVI-CIDNet)"
_SICE_WHOLE = (
    "one photo for each of SICE's 589 scenes: more than the 485 test images of the papers, whose list is unknown"
)
_LOL2_CITATION = (
    "Yang, Wang, Huang, Wang, Liu: Sparse Gradient Regularized Deep Retinex Network for Robust Low-Light Image "
    "Enhancement. IEEE TIP 30, 2021"
)
_SICE_CITATION = (
    "Zheng, Ma, Pan, Lu, Gupta: Low-Light Image and Video Enhancement: A Comprehensive Survey and Beyond. "
    "arXiv 2212.10772; from SICE (Cai, Gu, Zhang, IEEE TIP 27(4), 2018)"
)

# 485 and 15 pairs: the paper, and every copy that was looked up. Not verified: the list of names but for 111 and 146.
LOL_V1 = Benchmark(
    name="lol-v1",
    title="LOL-v1",
    task="low-light",
    paired=True,
    split="eval15 (485 pairs for training; 14 of its 15 scenes are also in them, at another exposure)",
    counts=(15,),
    names=tuple("1 22 23 55 79 111 146 179 493 547 665 669 748 778 780".split()),
    tops=("", "LOLdataset", "LOLv1", "LOL-v1", "LOL"),
    layouts=(
        Layout(name="published", low="eval15/low", high="eval15/high"),
        Layout(name="Retinexformer", low="Test/input", high="Test/target"),
        Layout(name="low and high", low="low", high="high"),
    ),
    licence=_NOT_STATED,
    source="https://daooshee.github.io/BMVC2018website/",
    citation="Wei, Wang, Yang, Liu: Deep Retinex Decomposition for Low-Light Enhancement. BMVC 2018",
    published=(
        restorect_paper(27.85, 0.943),
        reti_diff(25.35, 0.866),
        retinexformer(25.16, 0.845),
        retinexformer(27.18, 0.850, gt_mean=True),
        cidnet(23.8091, 0.8574, 0.0856, weights="perceptual loss"),
        cidnet(23.5000, 0.8703, 0.1053, weights="no perceptual loss"),
        cidnet(28.1405, 0.8887, 0.0988, weights="no perceptual loss", gt_mean=True),
    ),
)


def _lol_v2(
    name: str, title: str, folder: str, split: str, published: tuple[Published, ...], rule: KeyRule = "stem"
) -> Benchmark:
    return Benchmark(
        name=name,
        title=title,
        task="low-light",
        paired=True,
        split=split,
        counts=(100,),
        tops=("", "LOLv2", "LOL-v2"),
        layouts=(
            Layout(name="published", low=f"{folder}/Test/Low", high=f"{folder}/Test/Normal", rule=rule),
            Layout(name="Test alone", low="Test/Low", high="Test/Normal", rule=rule),
        ),
        licence=_NOT_STATED,
        source=_RETINEXFORMER,
        citation=_LOL2_CITATION,
        published=published,
    )


# Retinexformer's repository shows the layout, and the first test image of the real part as 00690.
LOL_V2_REAL = _lol_v2(
    "lol-v2-real",
    "LOL-v2-real",
    "Real_captured",
    "Real_captured/Test (689 pairs for training; some of its scenes are in LOL-v1's training part)",
    (
        restorect_paper(22.97, 0.911),
        reti_diff(22.97, 0.858),
        retinexformer(22.80, 0.840),
        retinexformer(27.71, 0.856, gt_mean=True),
        cidnet(24.1106, 0.8675, 0.1162, weights="best normal, weights lost"),
        cidnet(23.9040, 0.8656, 0.1219, weights="best PSNR"),
        cidnet(23.8975, 0.8705, 0.1185, weights="best SSIM"),
        cidnet(28.1387, 0.8920, 0.1008, weights="best GT-mean", gt_mean=True),
    ),
    rule="digits",
)

LOL_V2_SYN = _lol_v2(
    "lol-v2-syn",
    "LOL-v2-synthetic",
    "Synthetic",
    "Synthetic/Test (900 pairs for training)",
    (
        restorect_paper(27.70, 0.969),
        reti_diff(27.53, 0.951),
        retinexformer(25.67, 0.930),
        retinexformer(29.04, 0.939, gt_mean=True),
        cidnet(25.7048, 0.9419, 0.0471, weights="no perceptual loss"),
        cidnet(29.5663, 0.9497, 0.0437, weights="no perceptual loss", gt_mean=True),
    ),
)

# HVI-CIDNet's repository shows the layout. Not verified: 598 pairs.
SID = Benchmark(
    name="sid",
    title="SID (Sony)",
    task="low-light",
    paired=True,
    split="scenes whose number begins with 1: every short exposure with the long one of its scene",
    counts=(598,),
    tops=("", "Sony_total_dark", "SID", "Sony"),
    layouts=(
        Layout(
            name="HVI-CIDNet (PNG)",
            low="test/short",
            high="test/long",
            rule="scene",
            recursive=True,
            prefix="1",
        ),
        Layout(
            name="published (camera raw)",
            low="short",
            high="long",
            rule="scene",
            prefix="1",
            caution="camera raw files developed by this program, not the published conversion to sRGB",
        ),
    ),
    licence="MIT for the authors' code; none stated for the photographs",
    source=f"https://github.com/cchen156/Learning-to-See-in-the-Dark; PNG: {_CIDNET}",
    citation="Chen, Chen, Xu, Koltun: Learning to See in the Dark. CVPR 2018",
    published=(
        restorect_paper(
            26.19, 0.924, "256x256, Y, shifted to the ground truth, and 350 of 598 pairs; see y-256-authors"
        ),
        reti_diff(25.53, 0.692),
        retinexformer(24.44, 0.680, verified=False),
        cidnet(22.9039, 0.6763, 0.4109),
    ),
)


def _sice(kind: str, published: Published) -> Benchmark:
    return Benchmark(
        name=f"sice-{kind.lower()}",
        title=f"SICE-{kind}",
        task="low-light",
        paired=True,
        split="the test images",
        counts=(485,),
        tops=("", "SICE"),
        layouts=(
            Layout(name="published", low=f"SICE_{kind}", high="SICE_Reshape", counts=(589,), caution=_SICE_WHOLE),
            Layout(name="split", low=f"SICE_{kind}/test/input", high=f"SICE_{kind}/test/target"),
        ),
        licence=_NOT_STATED,
        source=_CIDNET,
        citation=_SICE_CITATION,
        published=(published,),
    )


# HVI-CIDNet's figures are of the whole folders against SICE_Reshape (its measure.py). Not verified: 485 and 589.
SICE_MIX = _sice("Mix", cidnet(13.4235, 0.6360, 0.3624, gt_mean=True, note="whole folder, not the test images"))
SICE_GRAD = _sice("Grad", cidnet(13.4453, 0.6477, 0.3181, gt_mean=True, note="whole folder, not the test images"))

LOW_LIGHT = (LOL_V1, LOL_V2_REAL, LOL_V2_SYN, SID, SICE_MIX, SICE_GRAD)

"""Underwater, backlit and retinal benchmarks: UIEB, LSUI, BAID, EyeQ."""

from restorect.evaluate.benchmarks.benchmark import Benchmark, Layout
from restorect.evaluate.benchmarks.published import restorect_paper, reti_diff

_WHOLE = "the whole published set, which methods also train on: no test split"

# 890 pairs, and 90 of them for tests: the paper, and those who test on Test-U90.
UIEB = Benchmark(
    name="uieb",
    title="UIEB",
    task="underwater",
    paired=True,
    split="test part of 712 + 178, or the 90 of Test-U90 that others use (the data set itself names no split)",
    counts=(178, 90),
    tops=("", "UIEB"),
    layouts=(
        Layout(name="split, input and target", low="test/input", high="test/target"),
        Layout(name="split, raw and reference", low="test/raw", high="test/reference"),
        Layout(name="split, a and b", low="test/a", high="test/b"),
        Layout(name="published", low="raw-890", high="reference-890", counts=(890,), caution=_WHOLE),
    ),
    licence="academic use only, no redistribution",
    source="https://li-chongyi.github.io/proj_benchmark.html",
    citation=(
        "Li, Guo, Ren, Cong, Hou, Kwong, Tao: An Underwater Image Enhancement Benchmark Dataset and Beyond. "
        "IEEE TIP 29, 2020"
    ),
    published=(restorect_paper(25.89, 0.950), reti_diff(24.12, 0.910)),
)

# 4279 pairs: the paper (arXiv 2111.11843).
LSUI = Benchmark(
    name="lsui",
    title="LSUI",
    task="underwater",
    paired=True,
    split="a fifth of 4279 pairs (80/20), or the data set's own 400 of Test-L400",
    counts=(856, 855, 400),
    tops=("", "LSUI"),
    layouts=(
        Layout(name="split, input and GT", low="test/input", high="test/GT"),
        Layout(name="split, input and target", low="test/input", high="test/target"),
        Layout(name="published", low="input", high="GT", counts=(4279,), caution=_WHOLE),
    ),
    licence="none stated by its authors; used for research",
    source="https://github.com/LintaoPeng/U-shape_Transformer_for_Underwater_Image_Enhancement",
    citation="Peng, Zhu, Bian: U-Shape Transformer for Underwater Image Enhancement. IEEE TIP 32, 2023",
    published=(restorect_paper(28.10, 0.937), reti_diff(28.10, 0.929)),
)

# Not verified: 368 pairs. CLIP-LIT's repository offers the test part and shows the folder resize_input.
BAID = Benchmark(
    name="baid",
    title="BAID",
    task="backlit",
    paired=True,
    split="the 368 test pairs",
    counts=(368,),
    tops=("", "BAID", "BAID_Official"),
    layouts=(
        Layout(name="Reti-Diff", low="input", high="output"),
        Layout(name="split", low="test/input", high="test/gt"),
        Layout(
            name="CLIP-LIT",
            low="test/resize_input",
            high="test/resize_gt",
            caution="both sides resized by the copy's makers",
        ),
    ),
    licence="none stated by its authors; used for research",
    source="the CLIP-LIT repository (https://github.com/ZhexinLiang/CLIP-LIT)",
    citation=(
        "Lv, Zhang, Liu, Wang, Lu, Feng: BacklitNet: A Dataset and Network for Backlit Image Enhancement. "
        "Computer Vision and Image Understanding 218, 2022"
    ),
    published=(restorect_paper(27.68, 0.966), reti_diff(23.19, 0.876)),
)

# 12543 and 16249 photographs: the table of the repository.
EYEQ = Benchmark(
    name="eyeq",
    title="EyeQ",
    task="fundus",
    paired=False,
    split="test part, all qualities (12543 images for training)",
    counts=(16249,),
    tops=("", "EyeQ", "eyeq"),
    layouts=(Layout(name="published", low="test"), Layout(name="with images", low="images/test")),
    licence="labels: the authors' repository; photographs: rules of the EyePACS competition on Kaggle",
    source="https://github.com/HzFu/EyeQ",
    citation=(
        "Fu, Wang, Shen, Cui, Xu, Liu, Shao: Evaluation of Retinal Image Quality Assessment Networks in Different "
        "Color-spaces. MICCAI 2019"
    ),
)

OTHERS = (UIEB, LSUI, BAID, EYEQ)

"""Dark photographs without ground truth: DICM, LIME, MEF, NPE, VV.

Copies differ: the bundle that most papers use (Test.zip of the LOL page) has 44 photographs of DICM and 79 of MEF,
their papers 69 and 17; LIME has 10. Not verified: the numbers of NPE (75 or 85) and VV (24).
"""

from restorect.evaluate.benchmarks.benchmark import Benchmark, Layout, Published
from restorect.evaluate.benchmarks.published import cidnet_unpaired


def _unpaired(title: str, counts: tuple[int, ...], citation: str, published: Published, source: str = "") -> Benchmark:
    return Benchmark(
        name=title.lower(),
        title=title,
        task="low-light",
        paired=False,
        split="all photographs",
        counts=counts,
        layouts=(Layout(name="folder of that name", low=title), Layout(name="the photographs alone", low=".")),
        licence="none stated by its authors; used for research",
        source=source or "the Retinexformer repository (https://github.com/caiyuanhao1998/Retinexformer)",
        citation=citation,
        published=(published,),
    )


UNPAIRED = (
    _unpaired(
        "DICM",
        (44, 69),
        "Lee, Lee, Kim: Contrast Enhancement Based on Layered Difference Representation. ICIP 2012",
        cidnet_unpaired(3.79, 21.47),
    ),
    _unpaired(
        "LIME",
        (10,),
        "Guo, Li, Ling: LIME: Low-Light Image Enhancement via Illumination Map Estimation. IEEE TIP 26(2), 2017",
        cidnet_unpaired(4.13, 16.25),
    ),
    _unpaired(
        "MEF",
        (79, 17),
        "Ma, Zeng, Wang: Perceptual Quality Assessment for Multi-Exposure Image Fusion. IEEE TIP 24(11), 2015",
        cidnet_unpaired(3.56, 13.77),
    ),
    _unpaired(
        "NPE",
        (75, 85),
        "Wang, Zheng, Hu, Li: Naturalness Preserved Enhancement Algorithm for Non-Uniform Illumination Images. "
        "IEEE TIP 22(9), 2013",
        cidnet_unpaired(3.74, 18.92),
    ),
    _unpaired(
        "VV",
        (24,),
        "Vonikakis, Kouskouridas, Gasteratos: On the Evaluation of Illumination Compensation Algorithms. "
        "Multimedia Tools and Applications 77, 2018",
        cidnet_unpaired(3.21, 30.63),
    ),
)

"""How much each loss counts: the `loss:` of a recipe, and what the stages read.

Sources: METHOD 4, 9.
"""

from dataclasses import dataclass

from restorect.configs import require


@dataclass(frozen=True, kw_only=True)
class ImageLosses:
    """Weights of the losses on images, which teacher and student share.

    Attributes:
        hvi: of the colour loss; 0 switches it off.
        head: of the two auxiliary Retinex losses.
        structure: of the structure loss, 1 - SSIM; 0 switches it off.
        align: the two losses on the whole image and L1 see the output at the truth's mean: how bright a dark scene
            should be is left to the codes, the tone loss and the exposure net.
        plain: with `align`, of L1 without it, which holds the mean.
    """

    hvi: float = 0.05
    head: float = 1.0
    structure: float = 0.0
    align: bool = False
    plain: float = 0.2

    def __post_init__(self) -> None:
        require(min(self.hvi, self.head, self.structure, self.plain) >= 0, "weights of losses must not be negative")


@dataclass(frozen=True, kw_only=True)
class StudentLosses(ImageLosses):
    """Those of stage 2.

    Attributes:
        flex: of FLEX at the highest learning rate, with which it fades; 0 switches it off.
        codes: of the code distillation.
        tone: of the agreement of the tone curves that the codes set, on thumbnails.
        velocity: of the velocity loss in stage 2b.
        near_codes: probability that a sample is fed the one-step estimate of its code in stage 2b.
        detach_codes: True keeps the image losses from the flow and the condition encoders.
    """

    flex: float = 0.1
    codes: float = 1.0
    tone: float = 1.0
    velocity: float = 0.1
    near_codes: float = 0.5
    detach_codes: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require(min(self.codes, self.tone, self.velocity) >= 0, "weights of losses must not be negative")
        require(self.flex >= 0, f"flex is {self.flex}; it must not be negative")
        require(0 <= self.near_codes <= 1, f"near_codes is {self.near_codes}; it is a probability")

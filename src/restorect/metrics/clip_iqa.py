"""CLIP-IQA (Wang, Chan, Loy, AAAI 2023): quality as "good photo" against "bad photo" in CLIP's joint space.

Shapes: B samples, H x W pixels, D the joint embedding.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from restorect.metrics.clip import MEAN, STD, Clip
from restorect.metrics.inputs import rgb_batch
from restorect.metrics.pretrained import WeightsSource, fill, read_weights

TOKENS = ((49406, 886, 1125, 269, 49407), (49406, 2103, 1125, 269, 49407))
"""The paper's prompts, "Good photo." and "Bad photo.", in CLIP's byte-pair vocabulary: start, good or bad, photo, full
stop, end; lower case as CLIP has it."""

SMALLEST = 32
"""The shortest side in pixels: the encoder halves five times."""

_EXTRA = ("input_resolution", "context_length", "vocab_size")  # bookkeeping in OpenAI's file


class ClipIQA(nn.Module):
    """softmax(exp(logit_scale) * cos(image, [good, bad]))[good], RN50 without position embedding; higher is better.

    The published setting: images at their own size, no resizing or cropping; values in [0, 1].
    """

    def __init__(self, clip: Clip, sources: tuple[WeightsSource, ...] = ()) -> None:
        """Args: the network, and where its weights came from. The prompts are encoded once, here."""
        super().__init__()
        self.clip = clip
        self.sources = sources
        with torch.no_grad():
            self.register_buffer("prompts_2D", _unit(clip.encode_text(torch.tensor(TOKENS))), persistent=False)

    @classmethod
    def load(cls, folder: Path | None) -> "ClipIQA":
        """With the published CLIP RN50 weights.

        Raises:
            WeightsNeeded: they are not in `folder`.
            CheckpointError: they have another layout.
        """
        state, source = read_weights("clip-rn50", folder)
        clip = Clip()
        fill(clip, state, "CLIP RN50", unused=_EXTRA)
        return cls(clip, (source,))

    def forward(self, image_BCHW: Tensor) -> Tensor:
        """Quality of each image: (B, 3, H, W), sRGB in [0, 1] -> (B,) in [0, 1], float32.

        Raises:
            ValueError: images not (B, 3, H, W), or a side under 32 pixels.
        """
        image = rgb_batch(image_BCHW, smallest=SMALLEST).float()
        normal = (image - image.new_tensor(MEAN).view(1, 3, 1, 1)) / image.new_tensor(STD).view(1, 3, 1, 1)
        with torch.no_grad():
            embedding = _unit(self.clip.visual(normal, positions=False))
        cosines_B2 = embedding @ self.get_buffer("prompts_2D").T
        quality: Tensor = (self.clip.logit_scale.exp() * cosines_B2).softmax(dim=1)[:, 0]
        return quality


def _unit(x_BD: Tensor) -> Tensor:
    unit: Tensor = x_BD / torch.linalg.vector_norm(x_BD, dim=1, keepdim=True)
    return unit

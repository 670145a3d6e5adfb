"""The losses on images that stages 1 and 2b share (METHOD 4, 9).

Shapes: images (B, 3, H, W).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.losses.colour import hvi_loss
from restorect.losses.exposure import at_mean_of
from restorect.losses.retinex import head_loss
from restorect.losses.structure import structure_loss
from restorect.nets.transformer import Transformer, TransformerOutput
from restorect.retinex.decomposition import DecompositionNet
from restorect.train.stages.stage import Losses
from restorect.train.weights import ImageLosses


def image_losses(image: Tensor, truth: Tensor, w: ImageLosses) -> Losses:
    """L1, colour loss and structure loss; aligned, on the output at the truth's mean, and L1 once more without."""
    image = image.float()
    losses: Losses = {}
    if w.align:
        losses["plain"] = w.plain * F.l1_loss(image, truth)
        image = at_mean_of(image, truth)
    losses["l1"] = F.l1_loss(image, truth)
    if w.hvi > 0:
        losses["hvi"] = w.hvi * hvi_loss(image, truth)
    if w.structure > 0:
        losses["structure"] = w.structure * structure_loss(image, truth)
    return losses


def head_losses(
    output: TransformerOutput,
    seen: Tensor,
    truth: Tensor,
    transformer: Transformer,
    decompose_high: DecompositionNet,
    w: ImageLosses,
) -> Losses:
    """The two auxiliary Retinex losses; `seen` is what the transformer saw, which a balance has changed."""
    if w.head == 0:
        return {}
    with torch.no_grad():
        target = decompose_high(truth)
    encoder, decoder = head_loss(
        transformer.head(output.encoder1), transformer.head(output.decoder_input), seen, target
    )
    return {"head_encoder": w.head * encoder, "head_decoder": w.head * decoder}

"""How much memory a restoration takes, whole and in bands, and which of both a photograph gets."""

import torch

from restorect.nets.transformer import TransformerConfig

_WHOLE = 500_000  # pixels up to which whole maps lie in the caches, and bands bring nothing
_SHARE = 0.8  # of a device's free memory that whole maps may take


def in_bands(config: TransformerConfig, height: int, width: int, device: torch.device) -> bool:
    """Whether a photograph of this size is restored in bands: the one place that decides.

    On a CPU large ones are. A GPU takes all whole whose maps fit into what is free of its memory.
    """
    if device.type == "cuda":
        return whole_bytes(config, height, width) > _SHARE * torch.cuda.mem_get_info(device)[0]
    return device.type == "cpu" and height * width > _WHOLE


def peak_bytes(config: TransformerConfig, height: int, width: int, count: int = 1) -> int:
    """Estimate of the memory that restoring photographs of this size on the CPU takes, in bytes.

    Whole ones of a batch are restored together, others one after the other.
    """
    if in_bands(config, height, width, torch.device("cpu")):
        return band_bytes(config, height, width)
    return count * whole_bytes(config, height, width)


def whole_bytes(config: TransformerConfig, height: int, width: int) -> int:
    """Estimate of the memory that one forward pass takes, in bytes.

    The widest moment is the feed-forward net at the top of the decoder, 2 dim channels: its hidden maps before and
    after the depthwise convolution, beside the skips. On top come the libraries' workspace and holes in
    the heap, which stop growing once every map is large enough to be handed back to the system. Measured on a CPU with
    tiny and nano at 1, 4 and 12 megapixels, the estimate is 1.0 to 1.7 times the real peak.
    """
    workspace, largest_hole = 120 * 2**20, 4e6
    pixels = _padded(config, height, width)
    features = config.dim * (2 * 2 * 2 * config.expansion * 1.5 + 12) / config.stem**2
    images = 3 * (8 + (4 if config.stem > 1 else 2))
    grown = 0.75 * pixels + 0.25 * min(pixels, largest_hole)
    return workspace + int(grown * 4 * (features + images))


def band_bytes(config: TransformerConfig, height: int, width: int) -> int:
    """Estimate of the memory that a restoration in bands takes, in bytes.

    Either two maps of the top of the decoder, 2 dim channels, or one and the image that is made of it. Bands and the
    libraries' workspace come on top.
    """
    workspace, image = 120 * 2**20, 3
    features = 2 * config.dim / config.stem**2
    most = features + max(features, image + 3)
    return workspace + int(_padded(config, height, width) * 4 * most)


def _padded(config: TransformerConfig, height: int, width: int) -> int:
    """Pixels of the photograph as it is padded."""
    side = config.multiple
    return (-(-height // side) * side) * (-(-width // side) * side)

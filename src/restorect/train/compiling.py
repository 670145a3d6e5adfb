"""Compiled blocks: each block of the transformers by itself, with one graph for each size of crops."""

import torch
from torch import nn

from restorect.errors import TrainingError
from restorect.nets.blocks import Block

_GRAPHS = 16  # of a block: sizes of crops, each with and without gradients


def compile_blocks(stage: nn.Module, device: torch.device) -> None:
    """Let torch.compile translate each block in a stage when it first meets a size; sizes stay fixed in a graph.

    Raises:
        TrainingError: torch.compile does not work on this machine.
    """
    blocks = [module for module in stage.modules() if isinstance(module, Block)]
    if not blocks:
        return
    _try(device)
    import torch._dynamo  # takes a second

    # Dynamo counts by code, and all blocks share theirs; beyond its usual eight graphs it would give up in silence.
    config, graphs = torch._dynamo.config, _GRAPHS * len(blocks)
    config.cache_size_limit = max(config.cache_size_limit, graphs)  # names that torch 2.6 knows as well as later ones
    config.accumulated_cache_size_limit = max(config.accumulated_cache_size_limit, graphs)
    for block in blocks:
        block.compile(dynamic=False)


def _try(device: torch.device) -> None:
    """Compile next to nothing, so that a missing compiler is found before anything is trained."""
    try:
        torch.compile(_one_more, dynamic=False)(torch.zeros(8, device=device))
    except Exception as error:  # torch raises many kinds
        reason = str(error).strip().partition("\n")[0]
        raise TrainingError(
            f"compile: torch.compile does not work here ({reason}); install g++ and Python's headers "
            "(Debian: apt install g++ python3-dev), or train with --set compile=false"
        ) from error


def _one_more(x: torch.Tensor) -> torch.Tensor:
    return x + 1

"""The optimiser of a stage: which parameters learn how fast, and by which rule (METHOD 9)."""

from typing import Any

import torch
from torch import nn

from restorect.nets.priors import PriorTrunk
from restorect.train.muon import MuonAdam, is_matrix
from restorect.train.recipes import OptimiserRecipe


def make_optimiser(stage: nn.Module, recipe: OptimiserRecipe, device: torch.device) -> torch.optim.Optimizer:
    """AdamW or Muon over all that learns in a stage; each group has its `share` of the learning rate.

    Prior encoders are a group of their own and always AdamW's; see `OptimiserRecipe.priors`.
    """
    trunks = (module for module in stage.modules() if isinstance(module, PriorTrunk))
    slow = {id(p) for trunk in trunks for p in trunk.parameters()}
    learned = [p for p in stage.parameters() if p.requires_grad]
    matrices = {id(p) for p in learned if id(p) not in slow and is_matrix(p)} if recipe.name == "muon" else set()
    groups: list[dict[str, Any]] = [
        {"params": [p for p in learned if id(p) in matrices], "share": 1.0, "muon": True},
        {"params": [p for p in learned if id(p) not in matrices | slow], "share": 1.0, "muon": False},
        {"params": [p for p in learned if id(p) in slow], "share": recipe.priors, "muon": False},
    ]
    groups = [group for group in groups if group["params"]]
    fused = device.type == "cuda"
    if recipe.name == "muon":
        return MuonAdam(groups, betas=recipe.betas, fused=fused)
    return torch.optim.AdamW(groups, betas=recipe.betas, weight_decay=0.0, fused=fused)

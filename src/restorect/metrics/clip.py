"""CLIP with the ResNet-50 image encoder (Radford et al., ICML 2021), in OpenAI's key layout.

Shapes: B samples, T tokens, C channels, H x W pixels, D = 1024 the joint embedding.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, kw_only=True)
class ClipConfig:
    """Sizes; the defaults are those of the published RN50, 102,007,137 parameters in all."""

    embed: int = 1024
    image_layers: tuple[int, int, int, int] = (3, 4, 6, 3)
    image_width: int = 64
    image_grid: int = 7
    context: int = 77
    vocabulary: int = 49408
    text_width: int = 512
    text_layers: int = 12


class Clip(nn.Module):
    """Image and text encoders whose outputs share one space; `exp(logit_scale)` is the learned inverse temperature."""

    def __init__(self, config: ClipConfig | None = None) -> None:
        """Build with random weights; None: the published sizes."""
        super().__init__()
        config = config or ClipConfig()
        self.visual = ImageEncoder(config)
        self.transformer = _Transformer(config.text_width, config.text_layers)
        tokens = torch.empty(config.vocabulary, config.text_width).uniform_(-0.03, 0.03)
        self.token_embedding = nn.Embedding(config.vocabulary, config.text_width, _weight=tokens)
        self.positional_embedding = nn.Parameter(torch.empty(config.context, config.text_width).uniform_(-0.02, 0.02))
        self.ln_final = nn.LayerNorm(config.text_width)
        self.text_projection = nn.Parameter(torch.empty(config.text_width, config.embed).uniform_(-0.07, 0.07))
        self.logit_scale = nn.Parameter(torch.tensor(4.6052))
        self.eval().requires_grad_(False)

    def encode_text(self, tokens_BT: Tensor) -> Tensor:
        """Embeddings of token sequences, taken at the end token, which has the largest number: (B, T) -> (B, D)."""
        x = self.token_embedding(tokens_BT) + self.positional_embedding[: tokens_BT.shape[1]]
        x = self.ln_final(self.transformer(x))
        end = tokens_BT.argmax(dim=1)
        embedded: Tensor = x[torch.arange(len(x), device=x.device), end] @ self.text_projection
        return embedded


class ImageEncoder(nn.Module):
    """The modified ResNet: three-convolution stem, average pools instead of strides, attention pooling."""

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        width = config.image_width
        self.conv1, self.bn1 = nn.Conv2d(3, width // 2, 3, 2, 1, bias=False), nn.BatchNorm2d(width // 2)
        self.conv2, self.bn2 = nn.Conv2d(width // 2, width // 2, 3, 1, 1, bias=False), nn.BatchNorm2d(width // 2)
        self.conv3, self.bn3 = nn.Conv2d(width // 2, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        channels = width
        for stage, depth in enumerate(config.image_layers):
            blocks = []
            for index in range(depth):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(_Bottleneck(channels, width * 2**stage, stride))
                channels = width * 2**stage * 4
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.stages = len(config.image_layers)
        self.attnpool = _AttentionPool(channels, config.embed, config.image_grid, heads=max(1, channels // 64))

    def forward(self, x_BCHW: Tensor, *, positions: bool = True) -> Tensor:
        """Embeddings (B, D) of normalised images (B, 3, H, W).

        Args:
            x_BCHW: (image - MEAN) / STD, H and W of at least 32.
            positions: add the position embedding, which exists for 224 x 224 only; CLIP-IQA leaves it out, and so
                takes images of any size.
        """
        x = F.relu(self.bn1(self.conv1(x_BCHW)))
        x = F.relu(self.bn2(self.conv2(x)))
        x = F.avg_pool2d(F.relu(self.bn3(self.conv3(x))), 2)
        for stage in range(self.stages):
            x = self.get_submodule(f"layer{stage + 1}")(x)
        pooled: Tensor = self.attnpool(x, positions=positions)
        return pooled


class _Bottleneck(nn.Module):
    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.stride = stride
        self.downsample: nn.Sequential | None = None
        if stride > 1 or channels != 4 * width:  # the published names: "0" the convolution, "1" the norm
            self.downsample = nn.Sequential(nn.Conv2d(channels, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x_BCHW)))
        out = F.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(F.avg_pool2d(out, self.stride)))
        short = x_BCHW if self.downsample is None else self.downsample(F.avg_pool2d(x_BCHW, self.stride))
        return F.relu(out + short)


class _AttentionPool(nn.Module):
    """One query, the mean of the map, attends to itself and to every position."""

    def __init__(self, channels: int, embed: int, grid: int, heads: int) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.empty(grid**2 + 1, channels).uniform_(-0.04, 0.04))
        self.k_proj, self.q_proj = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.v_proj, self.c_proj = nn.Linear(channels, channels), nn.Linear(channels, embed)
        self.heads = heads

    def forward(self, x_BCHW: Tensor, *, positions: bool) -> Tensor:
        x_BTC = x_BCHW.flatten(2).transpose(1, 2)
        x_BTC = torch.cat([x_BTC.mean(dim=1, keepdim=True), x_BTC], dim=1)
        if positions:
            x_BTC = x_BTC + self.positional_embedding
        q, k, v = (
            project(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for project, x in ((self.q_proj, x_BTC[:, :1]), (self.k_proj, x_BTC), (self.v_proj, x_BTC))
        )
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        pooled: Tensor = self.c_proj(attended[:, 0])
        return pooled


class _Transformer(nn.Module):
    """Causal pre-norm transformer, heads of 64."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.resblocks = nn.Sequential(*(_Block(width) for _ in range(layers)))

    def forward(self, x_BTC: Tensor) -> Tensor:
        out: Tensor = self.resblocks(x_BTC)
        return out


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, max(1, width // 64), batch_first=True)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(width, 4 * width))
        self.mlp.add_module("gelu", _QuickGELU())
        self.mlp.add_module("c_proj", nn.Linear(4 * width, width))

    def forward(self, x_BTC: Tensor) -> Tensor:
        tokens = x_BTC.shape[1]
        later = torch.ones(tokens, tokens, dtype=torch.bool, device=x_BTC.device).triu(1)
        normal = self.ln_1(x_BTC)
        x = x_BTC + self.attn(normal, normal, normal, need_weights=False, attn_mask=later)[0]
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class _QuickGELU(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)

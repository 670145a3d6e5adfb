from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from restorect.metrics.clip import Clip, ClipConfig
from restorect.metrics.clip_iqa import TOKENS, ClipIQA
from restorect.metrics.pretrained import WeightsNeeded

TINY = ClipConfig(
    embed=32, image_layers=(1, 2, 1, 1), image_width=8, text_width=64, text_layers=2, context=8, vocabulary=49408
)


@pytest.fixture(scope="module")
def metric() -> ClipIQA:
    torch.manual_seed(0)
    clip = Clip(TINY)
    clip.logit_scale.data.fill_(0.5)  # the published 100 would saturate the softmax of random embeddings
    return ClipIQA(clip)


def test_layout_and_counts_are_the_published_ones() -> None:
    with torch.device("meta"):
        clip = Clip()
    state = clip.state_dict()
    assert sum(p.numel() for p in clip.parameters()) == 102_007_137
    assert sum(p.numel() for p in clip.visual.parameters()) == 38_316_896
    shapes = {
        "visual.conv1.weight": (32, 3, 3, 3),
        "visual.layer1.0.downsample.0.weight": (256, 64, 1, 1),
        "visual.layer4.2.conv3.weight": (2048, 512, 1, 1),
        "visual.attnpool.positional_embedding": (50, 2048),
        "visual.attnpool.c_proj.weight": (1024, 2048),
        "transformer.resblocks.11.attn.in_proj_weight": (1536, 512),
        "transformer.resblocks.0.mlp.c_fc.weight": (2048, 512),
        "token_embedding.weight": (49408, 512),
        "positional_embedding": (77, 512),
        "text_projection": (512, 1024),
        "logit_scale": (),
    }
    assert {key: tuple(state[key].shape) for key in shapes} == shapes
    assert "visual.layer1.1.downsample.0.weight" not in state


def test_the_score_is_a_share_and_reverses_with_the_prompts(metric: ClipIQA) -> None:
    images = torch.rand(2, 3, 64, 96)
    score = metric(images)
    assert score.shape == (2,)
    assert ((score > 0) & (score < 1)).all()
    swapped = ClipIQA(metric.clip)
    swapped.get_buffer("prompts_2D").copy_(metric.get_buffer("prompts_2D").flip(0))
    assert torch.allclose(swapped(images), 1 - score, atol=1e-5)
    assert torch.allclose(metric(images[1:]), score[1:], atol=1e-4)


def test_embeddings_count_by_direction_only(metric: ClipIQA) -> None:
    images = torch.rand(1, 3, 64, 64)
    before = metric(images)
    pool = metric.clip.visual.attnpool.c_proj
    pool.weight.data *= 5
    pool.bias.data *= 5
    after = metric(images)
    pool.weight.data /= 5
    pool.bias.data /= 5
    assert torch.allclose(after, before, atol=1e-5)


def test_attention_pooling_equals_torchs_attention(metric: ClipIQA) -> None:
    pool = metric.clip.visual.attnpool
    x = torch.rand(2, pool.q_proj.in_features, 7, 7)
    tokens = x.flatten(2).permute(2, 0, 1)
    tokens = torch.cat([tokens.mean(dim=0, keepdim=True), tokens]) + pool.positional_embedding[:, None]
    expected, _ = F.multi_head_attention_forward(
        query=tokens[:1],
        key=tokens,
        value=tokens,
        embed_dim_to_check=tokens.shape[-1],
        num_heads=pool.heads,
        q_proj_weight=pool.q_proj.weight,
        k_proj_weight=pool.k_proj.weight,
        v_proj_weight=pool.v_proj.weight,
        in_proj_weight=None,
        in_proj_bias=torch.cat([pool.q_proj.bias, pool.k_proj.bias, pool.v_proj.bias]),
        bias_k=None,
        bias_v=None,
        add_zero_attn=False,
        dropout_p=0.0,
        out_proj_weight=pool.c_proj.weight,
        out_proj_bias=pool.c_proj.bias,
        use_separate_proj_weight=True,
        training=False,
    )
    assert torch.allclose(pool(x, positions=True), expected[0], atol=1e-5)


def test_text_sees_no_later_token(metric: ClipIQA) -> None:
    """What follows the end token changes nothing, so five tokens stand for the 77 of the padded prompt."""
    tokens = torch.tensor(TOKENS)
    padded = F.pad(tokens, (0, 3))
    assert torch.allclose(metric.clip.encode_text(tokens), metric.clip.encode_text(padded), atol=1e-5)
    assert not torch.allclose(*metric.clip.encode_text(tokens), atol=1e-2)


def test_small_images_and_missing_weights_are_refused(metric: ClipIQA, tmp_path: Path) -> None:
    assert metric(torch.rand(1, 3, 32, 33)).isfinite().all()
    with pytest.raises(ValueError, match="32x32"):
        metric(torch.rand(1, 3, 31, 64))
    with pytest.raises(WeightsNeeded, match=r"needs weights clip-rn50, see docs/metrics.md"):
        ClipIQA.load(tmp_path)

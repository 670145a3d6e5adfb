"""The moving average against its definition."""

import copy

import torch
from torch import nn

from restorect.train.ema import MovingAverage


def network() -> nn.Sequential:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.Conv2d(16, 4, 1))
    return net.to(memory_format=torch.channels_last)


def test_it_follows_weights_and_running_figures_and_copies_counts() -> None:
    net = network()
    wanted = copy.deepcopy(net.state_dict())
    ema = MovingAverage(net, 0.9)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    for step in range(1, 120):
        net(torch.rand(2, 3, 8, 8)).square().mean().backward()
        optimiser.step()
        ema.update(step)
        decay = min(0.9, (1 + step) / (10 + step))
        for name, now in net.state_dict().items():
            wanted[name] = decay * wanted[name] + (1 - decay) * now if now.is_floating_point() else now.clone()
    average = ema.average.state_dict()
    assert average["1.num_batches_tracked"] == 119
    for name, expected in wanted.items():
        torch.testing.assert_close(average[name], expected, rtol=1e-5, atol=1e-6)
    assert not any(p.requires_grad for p in ema.average.parameters())
    assert not ema.average.training


def test_it_still_follows_after_both_were_loaded() -> None:
    net, other = network(), network()
    ema = MovingAverage(net, 0.5)
    with torch.no_grad():
        for p in other.parameters():
            p.add_(1.0)
    net.load_state_dict(other.state_dict())
    ema.average.load_state_dict(network().state_dict())
    before = ema.average[0].weight.clone()
    ema.update(100)
    torch.testing.assert_close(ema.average[0].weight, before + 0.5)

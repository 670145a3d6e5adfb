"""The transformer in bands; see `nets.transformer`.

Shapes: maps (H, W, C); rows (1, 3, n, W); d = `dim`.
"""

from collections.abc import Iterator

from torch import Tensor

from restorect.bands.ends import enter, leave, toned
from restorect.bands.level import down, run_blocks, up, up_and_join
from restorect.bands.padding import padded
from restorect.bands.tiling import Tiling, empty_map
from restorect.nets.codes import Codes
from restorect.nets.transformer import Transformer
from restorect.render.rows import Rows


def restored_rows(net: Transformer, seen: Rows, codes: Codes, tiling: Tiling) -> Iterator[tuple[int, Tensor]]:
    """The restored image: the first of some rows, and the rows (1, 3, n, W), unbounded, top down."""
    image = toned(padded(seen, net.config.multiple), net.stem, codes)
    features = _features(net, enter(image, net.stem, tiling), codes, tiling)
    for first, rows in leave(image, features, net.stem, tiling):
        if first < seen.height:
            yield first, rows[:, :, : seen.height - first, : seen.width]


def _features(net: Transformer, first: Tensor, codes: Codes, tiling: Tiling) -> Tensor:
    """From the features of the first level to those of the last."""
    z_rex, z_img = codes
    d = net.config.dim
    e1 = run_blocks(first, net.encoder1, z_rex, tiling)
    del first  # of each pair of maps only one is held on to
    e2 = run_blocks(down(e1, net.down1, tiling), net.encoder2, z_rex, tiling)
    e3 = run_blocks(down(e2, net.down2, tiling), net.encoder3, z_rex, tiling)
    bottom = run_blocks(down(e3, net.down3, tiling), net.latent, z_rex, tiling)
    d3 = run_blocks(up_and_join(bottom, e3, net.up3, net.join3.weight, tiling), net.decoder3, z_rex, tiling)
    del bottom, e3
    d2 = run_blocks(up_and_join(d3, e2, net.up2, net.join2.weight, tiling), net.decoder2, z_rex, tiling)
    del d3, e2
    both = empty_map(e1.shape[0], e1.shape[1], 2 * d, e1.device)
    both[..., d:] = e1
    del e1
    up(d2, net.up1, tiling, both[..., :d])
    del d2
    both = run_blocks(both, net.decoder1, z_rex, tiling)
    return run_blocks(both, net.refine, z_img, tiling)

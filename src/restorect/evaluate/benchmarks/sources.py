"""Where published figures come from, and how they were measured."""

from restorect.evaluate.benchmarks.benchmark import Published

RETINEXFORMER_PAPER = "Cai et al., Retinexformer, ICCV 2023, table 1"
RETINEXFORMER_PAGE = "Cai et al., Retinexformer, repository, table of the GT-mean setting"
CIDNET_PAGE = "Yan et al., HVI-CIDNet, CVPR 2025, repository, table of weights"

_AUTHORS = "256x256, Y, shifted to the ground truth; see y-256-authors"


def restorect_paper(psnr: float, ssim: float, protocol: str = _AUTHORS) -> Published:
    """The stored figures of the RestoRect authors."""
    return Published(
        method="RestoRect (authors' files)",
        protocol=protocol,
        comparable=False,
        source="RestoRect, arXiv 2509.23480, the authors' stored figures",
        psnr=psnr,
        ssim=ssim,
    )


def reti_diff(psnr: float, ssim: float) -> Published:
    """Reti-Diff as its authors published it; their settings crop no border and use RGB."""
    return Published(
        method="Reti-Diff",
        protocol="RGB, as published",
        comparable=True,
        source="He et al., Reti-Diff, ICLR 2025",
        psnr=psnr,
        ssim=ssim,
    )


def retinexformer(psnr: float, ssim: float, *, gt_mean: bool = False) -> Published:
    """Retinexformer as its authors published it."""
    return Published(
        method="Retinexformer",
        protocol="RGB, GT-mean" if gt_mean else "RGB, full resolution",
        comparable=not gt_mean,
        source=RETINEXFORMER_PAGE if gt_mean else RETINEXFORMER_PAPER,
        psnr=psnr,
        ssim=ssim,
    )


def cidnet(psnr: float, ssim: float, lpips: float, *, weights: str = "", gt_mean: bool = False) -> Published:
    """HVI-CIDNet as its authors published it."""
    return Published(
        method=f"HVI-CIDNet{f' ({weights})' if weights else ''}",
        protocol="RGB, GT-mean" if gt_mean else "RGB, full resolution",
        comparable=not gt_mean,
        source=CIDNET_PAGE,
        psnr=psnr,
        ssim=ssim,
        lpips=lpips,
    )


def cidnet_unpaired(niqe: float, brisque: float) -> Published:
    """HVI-CIDNet on a set without ground truth; NIQE and BRISQUE differ between implementations."""
    return Published(
        method="HVI-CIDNet",
        protocol="no reference, the authors' implementation",
        comparable=False,
        source=f"{CIDNET_PAGE} (unpaired)",
        niqe=niqe,
        brisque=brisque,
    )

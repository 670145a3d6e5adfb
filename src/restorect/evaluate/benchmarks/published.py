"""Where published figures come from, and how they were measured.

HVI-CIDNet's were looked up in its repository's Readme; Retinexformer's in its repository (GT-mean) and as the paper's
table is repeated by GM-MoE (arXiv 2503.07417). What could not be looked up says so in its source. The figures of the
RestoRect authors are those of METHOD 10.
"""

from restorect.evaluate.benchmarks.benchmark import Published

NOT_VERIFIED = "not verified against the paper"
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
    """Reti-Diff; its published settings (options/test_*.yml) crop no border and use RGB, its tables are pictures."""
    return Published(
        method="Reti-Diff",
        protocol="RGB, as published",
        comparable=True,
        source=f"He et al., Reti-Diff, ICLR 2025; {NOT_VERIFIED}",
        psnr=psnr,
        ssim=ssim,
    )


def retinexformer(psnr: float, ssim: float, *, gt_mean: bool = False, verified: bool = True) -> Published:
    """Retinexformer as its authors published it."""
    paper = RETINEXFORMER_PAPER if verified else f"{RETINEXFORMER_PAPER}; {NOT_VERIFIED}"
    return Published(
        method="Retinexformer",
        protocol="RGB, GT-mean" if gt_mean else "RGB, full resolution",
        comparable=not gt_mean,
        source=RETINEXFORMER_PAGE if gt_mean else paper,
        psnr=psnr,
        ssim=ssim,
    )


def cidnet(
    psnr: float, ssim: float, lpips: float, *, weights: str = "", gt_mean: bool = False, note: str = ""
) -> Published:
    """HVI-CIDNet as its authors published it (measure.py: RGB, SSIM as here, LPIPS of AlexNet)."""
    protocol = "RGB, GT-mean" if gt_mean else "RGB, full resolution"
    return Published(
        method=f"HVI-CIDNet{f' ({weights})' if weights else ''}",
        protocol=f"{protocol}; {note}" if note else protocol,
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

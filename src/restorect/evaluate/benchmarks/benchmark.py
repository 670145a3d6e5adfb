"""What is known of a data set (METHOD 10)."""

from dataclasses import dataclass

from restorect.evaluate.cases import KeyRule


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the files lie in a published copy, relative to the folder given or to one of `tops` within it.

    Attributes:
        name: whose layout it is.
        low: folder of the degraded photos.
        high: folder of the ground truths; None in unpaired sets.
        rule: what partners have in common, see `restorect.evaluate.cases.key_of`.
        recursive: the photos lie in folders of their own.
        prefix: only files whose name begins so belong to the test split.
        counts: images that a complete copy may have, where the layout differs from the benchmark's own.
        caution: what a reader must know of figures on this layout.
    """

    name: str
    low: str
    high: str | None = None
    rule: KeyRule = "stem"
    recursive: bool = False
    prefix: str = ""
    counts: tuple[int, ...] = ()
    caution: str = ""

    @property
    def shown(self) -> str:
        """For messages."""
        return self.low + (f" + {self.high}" if self.high else "")


@dataclass(frozen=True, kw_only=True)
class Published:
    """What others report.

    Attributes:
        method: whose figure.
        protocol: how it was measured, in a word or two.
        comparable: it may be held beside `rgb-full`.
        source: where it stands.
        psnr: in dB.
        ssim: from -1 to 1.
        lpips: lower is better.
        niqe: lower is better.
        brisque: lower is better.
    """

    method: str
    protocol: str
    comparable: bool
    source: str
    psnr: float | None = None
    ssim: float | None = None
    lpips: float | None = None
    niqe: float | None = None
    brisque: float | None = None


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A data set and its test split.

    Attributes:
        name: as given on the command line.
        title: for people.
        task: what is restored.
        paired: it has ground truth.
        split: which part is judged, and what was kept for training.
        counts: images that a complete copy may have; the first is the one in METHOD 10. Empty where the split was
            never published, and every layout says its own.
        names: all stems of the test split, where they are few and known.
        tops: folders that copies are usually packed in; "" is the given folder itself.
        layouts: how copies are arranged.
        licence: as far as its authors state one.
        source: where to get it.
        citation: of the data set.
        published: figures of others.
    """

    name: str
    title: str
    task: str
    paired: bool
    split: str
    counts: tuple[int, ...]
    names: tuple[str, ...] = ()
    tops: tuple[str, ...] = ("",)
    layouts: tuple[Layout, ...]
    licence: str
    source: str
    citation: str
    published: tuple[Published, ...] = ()

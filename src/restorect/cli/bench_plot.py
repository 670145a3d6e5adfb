"""What `restorect bench` measured as a drawing: processor time and memory over the size of the photo."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from restorect.bench.costs import Figures
    from restorect.bench.networks import Workload


def drawing(cases: "Sequence[Workload]", figures: "Sequence[Figures]") -> str:
    """Two plots, one above the other, as an SVG file; a line for each network.

    Args:
        cases: the lines of the benchmark.
        figures: of each.
    """
    from restorect.evaluate.report.plots import Point, plot, spanning, stacked

    seconds: dict[str, list[Point]] = {}
    memory: dict[str, list[Point]] = {}
    for case, costs in sorted(zip(cases, figures, strict=True), key=lambda pair: pair[0].height * pair[0].width):
        megapixels, name = case.height * case.width / 1e6, case.name
        title = f"{name} at {case.height}x{case.width}: {costs.cpu_seconds:.3g} s, {costs.cpu_seconds / megapixels:.3g}"
        seconds.setdefault(name, []).append(Point(x=megapixels, y=costs.cpu_seconds, title=f"{title} a megapixel"))
        if costs.peak_mib is not None:
            title = f"{name} at {case.height}x{case.width}: {costs.peak_mib:.0f} MiB"
            memory.setdefault(name, []).append(Point(x=megapixels, y=costs.peak_mib, title=title))
    drawn = []
    for series, label in ((seconds, "CPU-seconds of a pass"), (memory, "peak memory of the process, MiB")):
        points = [point for line in series.values() for point in line]
        if points:
            axes = spanning("megapixels", [p.x for p in points]), spanning(label, [p.y for p in points])
            drawn.append(plot(series, *axes, lines=True))
    return stacked(drawn)

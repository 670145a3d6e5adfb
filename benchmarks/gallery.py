"""Make docs/gallery.md: the photos of docs/gallery/photos.yaml as they came, beside what the shipped weights make.

    python benchmarks/gallery.py [--size tiny]

Nothing is chosen or touched up: each photo goes through the default settings once. What is said below a pair is
written by hand in photos.yaml, after a look at the pair.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from restorect import Restorer

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "gallery"
SIDE = 640  # pixels of the longer side, before and after
GAP = 8
HEAD = """# Gallery

Before (left) and after (right), {count} freely licensed photos: what works and what does not. Made by
`python benchmarks/gallery.py` with the shipped weights, size `{size}`, all settings at their defaults; photos of {side}
pixels. Those from Debian's wallpapers were among the good photos from which damage was simulated in training.
"""


def main() -> None:
    """Restore, write the pairs, write the page."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--size", default="tiny")
    size = arguments.parse_args().size
    entries = yaml.safe_load((FOLDER / "photos.yaml").read_text(encoding="utf-8"))
    restorers = {task: Restorer.load(task, size=size) for task in {entry["task"] for entry in entries}}
    parts = [HEAD.format(count=len(entries), size=size, side=SIDE)]
    for entry in entries:
        path = ROOT / entry["photo"]
        before = Image.open(path).convert("RGB")
        before.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        after = restorers[entry["task"]](np.asarray(before))
        name = f"{path.stem}-pair.jpg"
        beside(before, Image.fromarray(after)).save(FOLDER / name, quality=85)
        parts.append(section(entry, name))
    (ROOT / "docs" / "gallery.md").write_text("\n".join(parts), encoding="utf-8")


def beside(before: Image.Image, after: Image.Image) -> Image.Image:
    """Both on one sheet, with a white line between them."""
    sheet = Image.new("RGB", (2 * before.width + GAP, before.height), "white")
    sheet.paste(before, (0, 0))
    sheet.paste(after, (before.width + GAP, 0))
    return sheet


def section(entry: Mapping[str, str], name: str) -> str:
    """A photo's part of the page."""
    title = f"{Path(entry['photo']).stem}, {entry['task']}"
    picture = f"![{title}: before and after](gallery/{name})"
    return f"## {title}\n\n{picture}\n\n{entry['remark']} <sub>{entry['credit']}</sub>\n"


if __name__ == "__main__":
    main()

"""The front of quality and speed: our sizes and modes, and any rival, on one folder in one interleaved run.

    python benchmarks/front.py low --references high -o front --method tiny --method nano \
        --command "rival=python rival.py {input} {output}"

Every method is a command that restores one photo: {input} is its file, {output} a PNG to write, or {folder} an empty
folder for one picture. In each round, every method restores each photo in turn, and, to tell what starting takes, a
picture of 64x64 pixels. A figure is the median of the rounds, then the mean over the photos. Written are OUT.md and
OUT.svg; a method is on the front if none is both quicker and better. What a method prepares once, as graphs of
--engine onnx, falls into the first round: give three, or run it before.
Without --method and --command, tiny and nano are measured, in full and in fast mode.
"""

import argparse
import shlex
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from process_cost import Cost, cost_of

from restorect.images.find import photos_in

_RESTORE = [sys.executable, "-m", "restorect.cli", "restore", "{input}", "-o", "{folder}", "--format", "png", "-q"]
OWN = {
    "tiny": "--size tiny",
    "nano": "--size nano",
    "tiny fast": "--size tiny --fast",
    "nano fast": "--size nano --fast",
    "tiny bfloat16": "--size tiny --precision bfloat16",
    "nano bfloat16": "--size nano --precision bfloat16",
    "tiny onnx": "--size tiny --engine onnx",
    "nano onnx": "--size nano --engine onnx",
}
USUAL = ("tiny", "nano", "tiny fast", "nano fast")
START_SIDE = 64
Commands = Mapping[str, Sequence[str]]


@dataclass(kw_only=True)
class Measured:
    """One method: its runs on each photo and on the small picture, and what it made of each photo the last time."""

    photos: dict[Path, list[Cost]] = field(default_factory=lambda: defaultdict(list))
    starts: list[Cost] = field(default_factory=list)
    outputs: dict[Path, Path] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)

    def mean(self, name: str) -> float:
        """A figure of a photo, start included."""
        return statistics.fmean(_median(costs, name) for costs in self.photos.values())

    def beyond_start(self) -> float:
        """Processor seconds of a photo without those of the small picture."""
        return self.mean("cpu") - _median(self.starts, "cpu")

    def peak(self) -> float:
        """The most memory of any run, in MiB."""
        return max(cost.peak_mib for costs in self.photos.values() for cost in costs)


def measure(commands: Commands, photos: Sequence[Path], rounds: int, place: Path) -> dict[str, Measured]:
    """Run all methods on all photos.

    Args:
        commands: by the names of the methods; arguments with placeholders.
        photos: the files.
        rounds: how often.
        place: an empty folder for what they write.

    Raises:
        RuntimeError: a method failed; the message says which one, where and why.
    """
    from PIL import Image

    start = place / "start.png"
    Image.new("RGB", (START_SIDE, START_SIDE), (30, 30, 30)).save(start)
    measured = {name: Measured() for name in commands}
    for round_ in range(rounds):
        for photo in (start, *photos):
            for number, (name, command) in enumerate(commands.items()):
                folder = place / f"{round_}-{number}-{photo.name}"
                cost, output = _run(name, command, photo, folder)
                print(f"round {round_ + 1}, {photo.name}, {name}: {cost.cpu:.2f} s", file=sys.stderr)
                if photo == start:
                    measured[name].starts.append(cost)
                else:
                    measured[name].photos[photo].append(cost)
                    measured[name].outputs[photo] = output
    return measured


def _run(name: str, command: Sequence[str], photo: Path, folder: Path) -> tuple[Cost, Path]:
    folder.mkdir()
    places = {"{input}": str(photo), "{output}": str(folder / f"{photo.stem}.png"), "{folder}": str(folder)}
    try:
        cost = cost_of([_filled(argument, places) for argument in command])
    except (OSError, RuntimeError) as error:
        raise RuntimeError(f"{name} on {photo.name}: {error}") from error
    written = [path for path in folder.iterdir() if path.stem == photo.stem]
    if len(written) != 1:
        raise RuntimeError(f"{name} on {photo.name}: wrote {len(written)} files called {photo.stem}, instead of one")
    return cost, written[0]


def score(measured: Mapping[str, Measured], references: Mapping[Path, Path]) -> None:
    """PSNR and SSIM, of the output as it is and at the mean grey of the reference: means over the photos."""
    from restorect.evaluate.protocols import find_protocol
    from restorect.evaluate.reading import as_tensor, read_whole
    from restorect.evaluate.scores import choose_measures, score_all

    protocol = find_protocol("rgb-full+gtmean")
    measures, _ = choose_measures(None, paired=True, protocol=protocol)
    for one in measured.values():
        scores = [
            score_all(measures, protocol, *(as_tensor(read_whole(path)[1]) for path in (output, references[photo])))
            for photo, output in one.outputs.items()
        ]
        one.scores = {name: statistics.fmean(each[name] for each in scores) for name in scores[0]}


def front(measured: Mapping[str, Measured]) -> list[str]:
    """The names of those that no other beats in both time and PSNR, the quickest first."""
    ordered = sorted(measured, key=lambda name: (measured[name].beyond_start(), -measured[name].scores["psnr"]))
    best, found = float("-inf"), []
    for name in ordered:
        if measured[name].scores["psnr"] > best:
            best = measured[name].scores["psnr"]
            found.append(name)
    return found


def table(measured: Mapping[str, Measured]) -> str:
    """All figures in Markdown; names on the front are bold."""
    columns = list(next(iter(measured.values())).scores)
    best = front(measured) if columns else []
    heads = ["method", "user s", "system s", "wall s", "start s", "beyond start s", "peak MiB", *columns]
    lines = [heads, ["---"] * len(heads)]
    for name, one in measured.items():
        seconds = (one.mean("user"), one.mean("system"), one.mean("wall"), _median(one.starts, "cpu"))
        cells = [f"{value:.2f}" for value in (*seconds, one.beyond_start())] + [f"{one.peak():.0f}"]
        scores = [f"{one.scores[column]:.{2 if 'psnr' in column else 3}f}" for column in columns]
        lines.append([f"**{name}**" if name in best else name, *cells, *scores])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def drawing(measured: Mapping[str, Measured]) -> str:
    """PSNR, or where there are no references memory, against processor seconds beyond the start, as SVG."""
    from restorect.evaluate.report.plots import Point, plot, spanning, standalone

    judged = all(one.scores for one in measured.values())
    points = {}
    for name, one in measured.items():
        y = one.scores["psnr"] if judged else one.peak()
        title = f"{name}: {one.beyond_start():.2f} s, {y:.4g} {'dB' if judged else 'MiB'}"
        points[name] = [Point(x=one.beyond_start(), y=y, title=title)]
    line = [points[name][0] for name in front(measured)] if judged else []
    series = points | {"front": line}
    every = [point for each in series.values() for point in each]
    x = spanning("CPU-seconds of a photo beyond the start", [point.x for point in every])
    y_axis = spanning("PSNR, dB" if judged else "peak memory, MiB", [point.y for point in every])
    return standalone(plot(series, x, y_axis, joined=("front",)))


def commands_of(methods: Sequence[str], given: Sequence[str], options: str) -> dict[str, list[str]]:
    """Our methods and the commands that were given, by name.

    Raises:
        RuntimeError: a command is not NAME=COMMAND with {input} and a place to write.
    """
    commands = {name: [*_RESTORE, *shlex.split(f"{OWN[name]} {options}")] for name in methods}
    for text in given:
        name, equals, command = text.partition("=")
        if not equals or "{input}" not in command or not ("{output}" in command or "{folder}" in command):
            raise RuntimeError(f"--command {text!r}: give NAME=COMMAND with {{input}} and {{output}} or {{folder}}")
        commands[name] = shlex.split(command)
    return commands


def _median(costs: Sequence[Cost], name: str) -> float:
    return statistics.median(getattr(cost, name) for cost in costs)


def _filled(argument: str, places: Mapping[str, str]) -> str:
    for mark, value in places.items():
        argument = argument.replace(mark, value)
    return argument


def _partners(photos: Sequence[Path], folder: Path) -> dict[Path, Path]:
    from restorect.evaluate.cases import match, refuse

    partners, problems = match(photos, photos_in(folder), one_way=True)
    refuse(folder, problems, len(photos))
    return partners


def main() -> None:
    """Measure, print the table, write it and the drawing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder")
    parser.add_argument("--references", type=Path, help="folder of ground truths with the same names")
    parser.add_argument("-o", "--out", type=Path, required=True, help="writes OUT.md and OUT.svg")
    parser.add_argument(
        "--method",
        action="append",
        default=[],
        choices=OWN,
        help="one of ours; repeatable; without any, and without a command, the first four",
    )
    parser.add_argument("--command", action="append", default=[], metavar="NAME=COMMAND", help="repeatable")
    parser.add_argument("--options", default="--task low-light", help="added to all of ours")
    parser.add_argument("--first", type=int, help="only so many photos")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    photos = photos_in(given.photos)[: given.first]
    try:
        methods = given.method or ([] if given.command else USUAL)
        commands = commands_of(methods, given.command, given.options)
        with tempfile.TemporaryDirectory() as place:
            measured = measure(commands, photos, given.rounds, Path(place))
            if given.references:
                score(measured, _partners(photos, given.references))
    except RuntimeError as error:
        sys.exit(f"front: {error}")
    text = table(measured)
    sys.stdout.write(text)
    given.out.with_suffix(".md").write_text(text, encoding="utf-8")
    given.out.with_suffix(".svg").write_text(drawing(measured), encoding="utf-8")


if __name__ == "__main__":
    main()

"""The name of an output: from a template, always inside the output folder."""

import os
import re
import string
import sys
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath

from restorect.errors import ConfigError, shown
from restorect.infer.batch.failures import OutputError

FIELDS = ("stem", "parent", "index", "task", "size", "seed", "sample")
_NUMBERS = ("index", "seed", "sample")
_LONGEST_NAME, _LONGEST_PATH = 255, 32768  # bytes; Windows has the longest paths
_ON_WINDOWS = sys.platform == "win32"


@dataclass(frozen=True, kw_only=True)
class NameTemplate:
    """How outputs are called, without their extension; checked when made.

    Args:
        text: fields in braces (`stem`, `parent`: the name of the photo's folder, `index`, `task`, `size`, `seed`,
            `sample`); numbers may carry a width, as in `{index:04d}`; `/` makes folders.

    Raises:
        ConfigError: an unknown field, or a name that leads out of the output folder.
    """

    text: str = "{stem}"

    def __post_init__(self) -> None:
        try:
            parts = list(string.Formatter().parse(self.text))
        except ValueError as error:
            raise ConfigError(f"--name-template {shown(self.text)}: {error}; write a brace itself as {{{{") from error
        for _, name, spec, conversion in parts:
            if name is None:
                continue
            width = bool(re.fullmatch(r"0?[1-9]?\d?d", spec or "d")) if name in _NUMBERS else not spec
            if name not in FIELDS or conversion or not width:
                whole = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
                raise ConfigError(
                    f"--name-template {shown(self.text)}: {{{shown(whole)}}} is not understood; "
                    f"allowed are {', '.join('{' + f + '}' for f in FIELDS)}, and widths like {{index:04d}}"
                )
        literal = "".join(text for text, *_ in parts)
        example = self.text.format(stem="a", parent="a", index=1, task="a", size="a", seed=1, sample=1)
        if _leaves(example) or "\0" in literal or example.endswith("/"):
            raise ConfigError(
                f"--name-template {shown(self.text)}: leads out of the output folder or names no file; "
                "use names without .., without a / at either end"
            )

    @property
    def tells_samples_apart(self) -> bool:
        """Whether `{sample}` is among the fields."""
        return any(name == "sample" for _, name, _, _ in string.Formatter().parse(self.text))

    @property
    def tells_numbers(self) -> bool:
        """Whether `{index}` is among the fields."""
        return any(name == "index" for _, name, _, _ in string.Formatter().parse(self.text))

    def number_in(self, output: str, *, stem: str, **fields: str) -> int | None:
        """The `{index}` that a photo's output (with its folders and its ending) was rendered with; None without.

        Args:
            output: path under the output folder.
            stem: of the photo; what told it apart from its siblings may have been added.
            fields: `parent`, `task` and `size`; `seed` and `sample` may be any.
        """
        if not self.tells_numbers:
            return None
        known = {name: re.escape(text) for name, text in fields.items()}
        known |= {"stem": re.escape(stem) + "(?:-.+?)??", "index": r"(\d{1,12})", "seed": r"\d+", "sample": r"\d+"}
        parts = string.Formatter().parse(self.text)
        pattern = "".join(re.escape(text) + (known[name] if name else "") for text, name, _, _ in parts)
        found = re.fullmatch(rf"(?:.*/)?{pattern}(?:-\d+)?(?:\.[^./]*)?", output, re.DOTALL)
        return int(found[1]) if found else None

    def render(self, **fields: str | int) -> str:
        """The name for one output, without extension; may hold `/`."""
        return self.text.format(**fields)


def checked(relative: str) -> str:
    """`relative` itself, if a file of that name can lie under the output folder.

    Raises:
        OutputError: it would leave the folder, or a part of it is too long.
    """
    if _leaves(relative):
        raise OutputError(f"its output {shown(relative)} would leave the output folder; use another --name-template")
    for part in PurePosixPath(relative).parts:
        if len(os.fsencode(part)) > _LONGEST_NAME:
            raise OutputError(
                f"its output's name would have {len(os.fsencode(part))} bytes, and {_LONGEST_NAME} are possible; "
                "use a shorter --suffix or --name-template"
            )
    return relative


def can_be_path(text: str) -> bool:
    """Whether the system could have a path of that name; for names that others may have written."""
    try:
        size = len(os.fsencode(text))
    except UnicodeEncodeError:  # half of a pair, which no file name holds
        return False
    return "\0" not in text and size <= _LONGEST_PATH


def lies_inside(relative: str) -> bool:
    """Whether a file of that name can lie under the output folder at all; for names that others may have written."""
    return can_be_path(relative) and not _leaves(relative)


def same_file_key(relative: str) -> str:
    """Equal for names that are one file on this system's usual disks (macOS and Windows ignore case)."""
    if sys.platform in ("win32", "darwin"):
        return unicodedata.normalize("NFC", relative).casefold()
    return relative


def _leaves(relative: str) -> bool:
    if _ON_WINDOWS and ("\\" in relative or ":" in relative):
        return True
    parts = relative.split("/")
    return relative.startswith("/") or any(part in ("", ".", "..") for part in parts)

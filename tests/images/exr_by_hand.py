"""OpenEXR files written from the specification (OpenEXR File Layout): one part, uncompressed scan lines."""

import struct

import numpy as np

KINDS = {"float16": 1, "float32": 2, "float64": 2, "uint32": 0}


def attribute(name, kind, body):
    return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<I", len(body)) + body


def exr_by_hand(channels, *, at=(0, 0), display=None, flags=0, more=b"", sampling=1):
    """Make a file.

    Args:
        channels: name to H x W array of float16, float32 or uint32.
        at: left and top of the data window.
        display: the display window (left, top, right, bottom); None for the data window.
        flags: bits of the version field beside 2.
        more: further attributes.
        sampling: what the header claims of each channel.
    """
    names = sorted(channels)
    planes = {name: np.asarray(channels[name], np.float32 if channels[name].dtype == float else None) for name in names}
    height, width = planes[names[0]].shape
    window = struct.pack("<4i", at[0], at[1], at[0] + width - 1, at[1] + height - 1)
    listed = b"".join(
        name.encode() + b"\0" + struct.pack("<iB3xii", KINDS[planes[name].dtype.name], 0, sampling, sampling)
        for name in names
    )
    header = struct.pack("<II", 20000630, 2 | flags)
    header += attribute("channels", "chlist", listed + b"\0") + attribute("compression", "compression", b"\0")
    header += attribute("dataWindow", "box2i", window)
    header += attribute("displayWindow", "box2i", window if display is None else struct.pack("<4i", *display))
    header += attribute("lineOrder", "lineOrder", b"\0") + attribute("pixelAspectRatio", "float", struct.pack("<f", 1))
    header += attribute("screenWindowCenter", "v2f", bytes(8)) + attribute(
        "screenWindowWidth", "float", struct.pack("<f", 1)
    )
    header += more + b"\0"
    lines = [b"".join(planes[name][row].tobytes() for name in names) for row in range(height)]
    start = len(header) + 8 * height
    size = len(lines[0]) + 8
    table = b"".join(struct.pack("<Q", start + size * row) for row in range(height))
    return (
        header + table + b"".join(struct.pack("<iI", at[1] + row, len(line)) + line for row, line in enumerate(lines))
    )

"""Check sums of the tensors in a safetensors file, so that a damaged copy is noticed; the description may change.

The format is 8 bytes of length, a JSON table of that length, and the tensors' bytes.
"""

import hashlib
from typing import Any

from restorect.configs import read_json

DESCRIPTION_KEY = "restorect"
"""Where the description of a weight file, a JSON text, stands in its metadata."""
CHECKSUM_KEY = "sha256"
"""Where the check sum stands in the description."""
_METADATA = "__metadata__"


def read_table(content: bytes) -> dict[str, Any]:
    """The table at the head of a safetensors file.

    Raises:
        ValueError: it is none.
    """
    table = read_json(content[8 : _start(content)])
    if not isinstance(table, dict):
        raise ValueError("no table at its head")
    return table


def read_metadata(content: bytes) -> dict[str, str]:
    """The texts in the table of a safetensors file.

    Raises:
        ValueError: it has no table.
    """
    found: dict[str, str] = read_table(content).get(_METADATA) or {}
    return found


def stated_checksum(content: bytes) -> str | None:
    """The check sum that a description states; None where it states none.

    Raises:
        ValueError: it is no safetensors file.
    """
    text = read_metadata(content).get(DESCRIPTION_KEY)
    description = read_json(text) if text is not None else None
    found = description.get(CHECKSUM_KEY) if isinstance(description, dict) else None
    return found if isinstance(found, str) else None


def tensor_checksum(content: bytes) -> str:
    """SHA-256 in hex over the tensors by name: each one's name, type, shape and bytes.

    It depends neither on the order in the file nor on what is written beside the tensors.

    Args:
        content: a safetensors file that its library has accepted.
    """
    digest = hashlib.sha256()
    tensors = memoryview(content)[_start(content) :]
    for name, entry in sorted(read_table(content).items()):
        if name != _METADATA:
            begin, end = entry["data_offsets"]
            head = "\0".join([name, entry["dtype"], *map(str, entry["shape"])])
            digest.update(f"{len(head)}\0{head}{end - begin}\0".encode())
            digest.update(tensors[begin:end])
    return digest.hexdigest()


def _start(content: bytes) -> int:
    """Where the tensors begin."""
    return 8 + int.from_bytes(content[:8], "little")

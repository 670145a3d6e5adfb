"""XML edited as text: no parser, so nothing in a hostile packet is ever expanded, and what is not touched stays."""

import re
from itertools import islice

_MAX_PREFIXES = 64
_DECLARED = re.compile(r"""(<\?xml\b[^>]*\bencoding\s*=\s*["'])utf-16(?=["'])""", re.IGNORECASE)
_BINDING = re.compile(r"""\bxmlns:([\w.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


def decoded(packet: bytes) -> str:
    """Give a packet's text, to be written as UTF-8; the packet is in UTF-8, or in UTF-16 with its mark.

    Raises:
        UnicodeDecodeError: it is neither.
    """
    wide = packet[:2] in (b"\xfe\xff", b"\xff\xfe")
    return _DECLARED.sub(r"\g<1>UTF-8", packet.decode("utf-16"), count=1) if wide else packet.decode("utf-8")


def prefixes(text: str, *namespaces: str) -> set[str]:
    """Give the prefixes that are bound to a namespace beginning with one of these; of thousands, the first ones."""
    found = (match[1] for match in _BINDING.finditer(text) if (match[2] or match[3] or "").startswith(namespaces))
    return set(islice(found, _MAX_PREFIXES))


def of(names: set[str], local: str = r"[\w.-]+") -> str:
    """Give a pattern for qualified names: one of these prefixes, and a pattern for what follows the colon."""
    return rf"(?:{'|'.join(map(re.escape, sorted(names)))}):(?:{local})" if names else "(?!)"


def values(text: str, names: str) -> list[str]:
    """Give the values of all attributes, and the texts of all elements, whose qualified name matches a pattern."""
    found = re.finditer(
        rf"""\s(?:{names})\s*=\s*(?:"(?P<a>[^"]*)"|'(?P<b>[^']*)')|<(?:{names})(?:\s[^<>]*)?>(?P<c>[^<]*)<""", text
    )
    return [next(value for value in match.groups() if value is not None) for match in found]


def with_value(text: str, names: str, value: str) -> str:
    """Set attributes and elements whose qualified name matches a pattern to a value that needs no escaping."""
    text = re.sub(rf"""(\s(?:{names})\s*=\s*)(?:"[^"]*"|'[^']*')""", rf'\g<1>"{value}"', text)
    return re.sub(rf"(<(?:{names})(?:\s[^<>]*)?>)[^<]*<", rf"\g<1>{value}<", text)


def without(text: str, names: str) -> str:
    """Take out all attributes and elements whose qualified name matches a pattern."""
    text = re.sub(rf"""\s(?:{names})\s*=\s*(?:"[^"]*"|'[^']*')""", "", text)
    opening = re.compile(rf"<(?P<name>{names})(?=[\s/>])(?P<rest>[^<>]*)>")
    kept, at = [], 0
    while found := opening.search(text, at):
        end = found.end()
        if not found["rest"].endswith("/"):
            close = text.find(f"</{found['name']}>", end)
            if close < 0:
                break
            end = close + len(found["name"]) + 3
        kept.append(text[at : found.start()])
        at = end
    return "".join(kept) + text[at:]

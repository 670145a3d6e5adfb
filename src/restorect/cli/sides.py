"""How a size of photos is written in options."""

import re


def parse_sides(option: str, text: str) -> tuple[int, int]:
    """Height and width of "400x600".

    Args:
        option: its name, for messages.
        text: what was given.

    Raises:
        ConfigError: the text is no such size.
    """
    from restorect.errors import ConfigError

    found = re.fullmatch(r"(\d{1,6})[xX×](\d{1,6})", text.strip())
    if found is None:
        raise ConfigError(f"{option} {text}: write height x width in pixels, for example 400x600")
    return int(found[1]), int(found[2])

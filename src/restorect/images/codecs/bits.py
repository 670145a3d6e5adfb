"""Read numbers of odd sizes from a stream of bits, lowest bit first, as JPEG XL's header has them."""

Choice = tuple[int, int]


class Bits:
    """A reader over bytes.

    Args:
        data: the bytes; reading beyond them raises ValueError.
    """

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data, "little")
        self._left = 8 * len(data)
        self.position = 0

    def take(self, count: int) -> int:
        """Read `count` bits as an unsigned number."""
        if count > self._left:
            raise ValueError("the header is cut off")
        value = self._number & ((1 << count) - 1)
        self._number >>= count
        self._left -= count
        self.position += count
        return value

    def flag(self) -> bool:
        """Read one bit."""
        return bool(self.take(1))

    def choose(self, *choices: Choice) -> int:
        """Read two bits that choose one of four (constant, further bits); the sum is the value (U32)."""
        constant, count = choices[self.take(2)]
        return constant + self.take(count)

    def enum(self) -> int:
        """Read a named value."""
        return self.choose((0, 0), (1, 0), (2, 4), (18, 6))

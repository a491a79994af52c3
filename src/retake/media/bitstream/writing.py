"""Writing bits: the numbers of headers, and NAL units made of a new header and old slice data."""

from __future__ import annotations


class BitString:
    """A run of bits that grows at its end."""

    def __init__(self) -> None:
        self._value = 0
        self.count = 0

    def fixed(self, value: int, count: int) -> BitString:
        """Append an unsigned number of `count` bits: u(n)."""
        self._value = self._value << count | value & ((1 << count) - 1)
        self.count += count
        return self

    def unsigned(self, value: int) -> BitString:
        """Append an Exp-Golomb number: ue(v)."""
        size = (value + 1).bit_length()
        return self.fixed(value + 1, 2 * size - 1)

    def signed(self, value: int) -> BitString:
        """Append a signed Exp-Golomb number: se(v)."""
        return self.unsigned(2 * value - 1 if value > 0 else -2 * value)

    def bits_of(self, data: bytes, start: int, end: int) -> BitString:
        """Append the bits [start, end) of some bytes."""
        first, last = start // 8, -(-end // 8)
        window = int.from_bytes(data[first:last], "big") >> (8 * last - end)
        return self.fixed(window, end - start)

    def aligned(self, bit: int) -> bytes:
        """Return the bytes, the last one filled up with `bit`."""
        missing = -self.count % 8
        filled = self._value << missing | (((1 << missing) - 1) if bit else 0)
        return filled.to_bytes((self.count + missing) // 8, "big")

    def ended(self) -> bytes:
        """Return the bytes of a finished NAL unit's payload: with rbsp_trailing_bits."""
        return BitString().fixed(self._value, self.count).fixed(1, 1).aligned(0)

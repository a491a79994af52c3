"""What makers promise of their cards. Nothing here was measured."""

from __future__ import annotations

DATA_SHEET_FLOPS = {
    "H200": 989e12,
    "H100": 989e12,
    "B200": 2250e12,
    "A100": 312e12,
    "L40S": 362e12,
    "RTX 6000 Ada": 364e12,
    "RTX PRO 6000": 504e12,
    "L4": 121e12,
    "A10": 125e12,
    "RTX 5090": 210e12,
    "RTX 4090": 165e12,
    "RTX 3090": 71e12,
}
"""Dense bf16 products a second by a part of the card's name, from the makers' data sheets.
Only the estimate of seconds uses it; longer names come before those that they begin with."""


def promised_flops(name: str) -> float | None:
    """Return the operations a second of a card that is called so; None where it is not known."""
    return next((rate for part, rate in DATA_SHEET_FLOPS.items() if part in name), None)

"""How to encode new pictures, codec by codec."""

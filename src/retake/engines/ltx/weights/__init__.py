"""The weights of `ltx`: which there are, fetching and checking them, their licences, LoRA files."""

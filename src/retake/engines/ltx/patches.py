"""What is put right around diffusers 0.42.1 and torch 2.13; each with what ends it."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def quiet_flex_attention() -> Generator[None]:
    """Keep torch from warning that flex attention is not compiled.

    diffusers' diffusion decoder calls it as it is, and neither a user nor this engine can have it
    compiled from outside.

    Ends when diffusers compiles it (``_native_flex_attention`` in ``attention_dispatch.py``).
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "flex_attention called without torch.compile")
        yield

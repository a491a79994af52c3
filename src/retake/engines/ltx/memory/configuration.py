"""One way of fitting a model into a card, and what to tell the user of it."""

from __future__ import annotations

from dataclasses import dataclass

from retake.engines.ltx.memory.sizes import PARTS
from retake.engines.ltx.memory.work import Phase

PARTS_OF: dict[Phase, tuple[str, ...]] = {
    Phase.ENCODE: ("vae_encoder", "audio_vae"),
    Phase.TEXT: ("text_encoder", "connectors"),
    Phase.DENOISE: ("transformer",),
    Phase.DECODE: ("vae_decoder", "upsampler"),
    Phase.SOUND: ("audio_vae", "vocoder"),
}
"""Which parts a phase needs on the device."""

LARGE_PARTS = ("transformer", "text_encoder", "connectors")
"""The parts that are worth quantising and streaming; the others are below a gigabyte each."""


@dataclass(frozen=True, slots=True)
class Tiles:
    """The largest piece of a window that the VAE takes at once, overlaps included.

    Attributes:
        frames: In time, 8k + 1.
        edge: Pixels in height and width, a multiple of 32.
        shared_frames: How many of the frames neighbours share; two latents, 16 frames, at the
            least, since a tile's first latent is made without the one before it and not used.
        shared_edge: How many pixels in height and width.
    """

    frames: int
    edge: int
    shared_frames: int
    shared_edge: int

    @property
    def pixels(self) -> int:
        """Pixels of all frames of a tile."""
        return self.frames * self.edge * self.edge


TILES = (
    Tiles(97, 1024, 32, 192),
    Tiles(65, 768, 24, 160),
    Tiles(33, 512, 16, 128),
    Tiles(33, 320, 16, 96),
)
"""The steps of the tiled VAE, from the largest to the smallest."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """How the parts are held and how large the pieces are that go through them.

    Attributes:
        swapped: Only the parts of the phase at hand are on the device; the others wait in the
            machine's memory. Otherwise all parts stay on the device.
        float8: Parts whose blocks are held as 8-bit numbers with a scale for each row.
        streamed: Parts whose blocks are brought to the device one after the other as they are used.
        tiles: What the VAE takes at once; None is the whole window.
        pixels: The working size is at most so many pixels; None leaves it as it was chosen.
    """

    swapped: bool = False
    float8: frozenset[str] = frozenset()
    streamed: frozenset[str] = frozenset()
    tiles: Tiles | None = None
    pixels: int | None = None

    def on_device(self, phase: Phase) -> tuple[str, ...]:
        """Return the parts that are on the device in a phase, streamed ones included."""
        return PARTS_OF[phase] if self.swapped else PARTS

    @property
    def tokens_per_frame(self) -> int | None:
        """Most video tokens of one latent frame, as `size.choose_size` takes them."""
        return None if self.pixels is None else max(self.pixels // 1024, 1)

    @property
    def name(self) -> str:
        """What it is in a few words, for tables: ``bf16, all loaded``."""
        words = ["fp8" if "transformer" in self.float8 else "bf16"]
        words.append("one part at a time" if self.swapped else "all loaded")
        if self.streamed:
            words.append("streamed")
        if self.tiles:
            words.append(f"tiles {self.tiles.edge}x{self.tiles.frames}")
        if self.pixels:
            words.append(f"at most {self.pixels / 1e6:.2f} MP")
        return ", ".join(words)

    def notes(self) -> tuple[str, ...]:
        """Return what of it a user may see in the result, or wait for."""
        said: list[str] = []
        if "transformer" in self.float8:
            said.append("The weights were held as 8-bit numbers, which changes details slightly.")
        if "transformer" in self.streamed:
            said.append("The weights were streamed from the machine's memory, which takes longer.")
        if self.tiles:
            said.append(
                f"The pictures went through the VAE in overlapping tiles of {self.tiles.edge} "
                f"pixels and {self.tiles.frames} frames."
            )
        if self.pixels:
            said.append(
                f"The section was made at no more than {self.pixels / 1e6:.2f} megapixels a frame "
                "and enlarged, since the card holds no more."
            )
        return tuple(said)

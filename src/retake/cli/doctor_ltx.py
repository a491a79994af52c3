"""What `retake doctor` says of engines: what ltx has and lacks, what fits, what packages bring."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retake.engines.ltx.driver import Driver
    from retake.settings import Settings

USUAL = "5 s of 1080p"


def ltx_lines(chosen: Settings) -> Iterator[tuple[bool, str]]:
    """Yield what there is and what is lacking, each with the next command; False marks a lack.

    A lack is none of the machine's health: retake works without this engine.
    """
    from retake.bootstrap.ltx import ltx_lacks, ltx_weights
    from retake.core.errors import RetakeError
    from retake.engines.ltx.driver import read_driver, read_torch

    torch, driver = read_torch(), read_driver()
    if torch is not None:
        build = f"for CUDA {torch.cuda}" if torch.cuda else "without CUDA"
        yield True, f"torch {torch.version}, built {build}"
    if driver is not None and not driver.fault:
        yield from _cards(driver)
    try:
        held = ltx_weights(chosen)
    except RetakeError:
        pass
    else:
        size = held.contents.bytes / 1e9
        yield True, f"weights {held.name} ({size:.1f} GB) in {held.folder}"
        yield _memory(held.contents.bytes)
    lacks = ltx_lacks(chosen)
    for lack in lacks:
        yield False, lack.message
    if driver is None or not driver.cards:
        yield True, f"what cards would do with {USUAL}, by the estimate: {'; '.join(_every_card())}"
    if not lacks:
        yield True, "ltx can work here, and answers where no engine is named"


def plugin_lines() -> Iterator[str]:
    """Yield a line for each engine that another package brings."""
    from retake.engines.plugins import find_plugins

    plugins, broken = find_plugins()
    for plugin in plugins.values():
        yield f"Another package brings the engine {plugin.info.id}: {plugin.info.display_name}"
    for one in broken:
        text = str(one)
        yield f"{text[0].upper()}{text[1:]}"


def _cards(driver: Driver) -> Iterator[tuple[bool, str]]:
    for card in driver.cards:
        gib = card.memory_bytes / 1024**3
        yield (
            True,
            f"{card.name}, {gib:.0f} GiB, driver {driver.version}: {fits(card.memory_bytes)}",
        )


def _memory(weights_bytes: int) -> tuple[bool, str]:
    """Say whether the weights go through the machine's own memory, where they are loaded first."""
    from retake.engines.ltx.memory.sizes import LTX_2_3

    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    # Published weights may hold the text encoder in four bytes a number; loaded, all have two.
    takes = min(weights_bytes, 2 * LTX_2_3.total)
    told = f"{has / 1e9:.0f} GB of memory; loading these weights takes up to {takes / 1e9:.1f} GB"
    return has > takes, told


def _every_card() -> Iterator[str]:
    from retake.engines.ltx.memory.ladder import CARDS_GB

    for gib in CARDS_GB:
        yield f"{gib} GiB: {fits(gib * 1024**3).removeprefix(f'{USUAL} would go as ')}"


def fits(memory_bytes: int) -> str:
    """Return how the usual window would be made on a card of so many bytes, by the estimate."""
    from retake.engines.ltx.memory.ladder import USUAL as WINDOW
    from retake.engines.ltx.memory.ladder import least_bytes, plan

    way = plan(WINDOW, int(memory_bytes * 0.97))
    if way is None:
        least = least_bytes(WINDOW) / 1024**3
        return f"too small for {USUAL}, which takes {least:.0f} GiB at the least"
    return f"{USUAL} would go as {way.name}"

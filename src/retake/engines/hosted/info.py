"""What the engine `hosted` is, told without loading anything heavy."""

from __future__ import annotations

from retake import __version__
from retake.engines.engine import EngineInfo

ID = "hosted"


def info_for(host: str, model: str) -> EngineInfo:
    """Return the engine's description.

    Args:
        host: The upstream server's name.
        model: The model that is asked for there.
    """
    return EngineInfo(
        id=ID,
        version=__version__,
        display_name=f"{model} at {host}",
        description=(
            f"Hands the section to {host}, whose model {model} makes it. Only the section and a "
            "second on either side leave this server; the result is joined and verified here."
        ),
        limits=(
            "It can what the upstream model can, and costs what that costs. It takes no options; "
            "sound of more than two channels is made in stereo."
        ),
    )

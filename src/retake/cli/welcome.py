"""What `retake serve` says when it starts: where it is, and calls that work when pasted."""

from __future__ import annotations

import json

from retake.api.app import PREFIXES
from retake.bootstrap.server import DEFAULT_MODEL


def where(base: str) -> str:
    """Return the lines that every start prints."""
    return f"retake listens on {base}  (Ctrl-C stops it; nothing accepted is lost)"


def first_start(base: str, key: str) -> str:
    """Return what the first start prints once: the key, the page and the four calls as curl."""
    body = json.dumps(
        {
            "model": DEFAULT_MODEL,
            "payload": {
                "video_uri": f"{base}/example.mp4",
                "start_time": 1,
                "duration": 5,
                "prompt": "A dramatic explosion with bright orange flames",
                "mode": "replace_audio_and_video",
            },
        }
    )
    auth = '-H "Authorization: Bearer $RETAKE_KEY"'
    api = f"{base}{PREFIXES[0]}"
    return f"""
Your API key, shown this once (`retake keys create` makes more):

    {key}

The page, with the key filled in:

    {base}/#key={key}

The four calls; paste them one after another:

    RETAKE_KEY={key}

    # submit: answers with the result, or after 50 s with "processing" while the work goes on
    curl -s {auth} -H "Content-Type: application/json" \\
      -d '{body}' \\
      {api}/requests | tee /tmp/retake-answer.json

    # status
    ID=$(sed -E 's/.*"request_id": ?"([^"]+)".*/\\1/' /tmp/retake-answer.json)
    curl -s {auth} {api}/requests/$ID

    # list
    curl -s {auth} "{api}/requests?model_id={DEFAULT_MODEL}"

    # model
    curl -s {auth} {api}/models/{DEFAULT_MODEL}
"""

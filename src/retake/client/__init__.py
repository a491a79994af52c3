"""The Python client of any server of this API: another instance, or the hosted service.

import retake
client = retake.Client()          # RETAKE_URL and RETAKE_KEY, or arguments
result = client.retake("clip.mp4", start=3, duration=5, prompt="heavy rain")
"""

from __future__ import annotations

from retake.client.clients import AsyncClient, Client
from retake.client.errors import (
    AuthError,
    Cancelled,
    ConnectionLost,
    NotFound,
    RateLimited,
    RequestFailed,
    RetakeAPIError,
    Timeout,
)
from retake.client.files import File, Result, Upload
from retake.client.results import Outcome, Progress, Report, Request

__all__ = [
    "AsyncClient",
    "AuthError",
    "Cancelled",
    "Client",
    "ConnectionLost",
    "File",
    "NotFound",
    "Outcome",
    "Progress",
    "RateLimited",
    "Report",
    "Request",
    "RequestFailed",
    "Result",
    "RetakeAPIError",
    "Timeout",
    "Upload",
]

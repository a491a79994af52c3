"""Fetch: the video at a URL comes to a local file, and no URL reaches a private address."""

from retake.steps.fetch.download import Fetched, FetchPolicy, fetch
from retake.steps.fetch.url import check_url

__all__ = ["FetchPolicy", "Fetched", "check_url", "fetch"]

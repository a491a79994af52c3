"""Where files lie: results and uploads, each there whole or not at all."""

from retake.storage.local import LocalStorage, safe_name, storage_failed, told

__all__ = ["LocalStorage", "safe_name", "storage_failed", "told"]

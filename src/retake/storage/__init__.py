"""Where files lie: results and uploads, each there whole or not at all."""

from retake.storage.faults import storage_failed, told
from retake.storage.local import LocalStorage
from retake.storage.names import safe_name
from retake.storage.storage import Stat, Storage

__all__ = ["LocalStorage", "Stat", "Storage", "safe_name", "storage_failed", "told"]

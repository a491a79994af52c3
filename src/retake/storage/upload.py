"""What is known of an upload, and how many of them a key may have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UploadPolicy:
    """How much a key may upload.

    Attributes:
        ttl_s: How long an upload is kept after it came or was last used, in seconds.
        key_bytes: Most bytes of all uploads of a key.
        key_count: Most uploads of a key.
    """

    ttl_s: int = 24 * 3600
    key_bytes: int = 20 * 1024**3
    key_count: int = 100


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload.

    Attributes:
        key_id: Whose it is.
        upload_id: 32 hexadecimal digits.
        file_type: The ending of its stored name, without the dot.
        length: Its bytes; for one on its way those that were announced, None where none were.
        offset: The bytes that are here.
        file_name: What the sender calls it; None where that was not told.
        touched_at: When it came, went on or was last used, in Unix time.
        complete: Whether it is a stored file by now.
        metadata: What a tus client said of it, as it was said.
    """

    key_id: str
    upload_id: str
    file_type: str
    length: int | None
    offset: int
    file_name: str | None
    touched_at: int
    complete: bool = False
    metadata: str | None = None

    @property
    def name(self) -> str:
        """The name of its stored file."""
        return f"uploads/{self.key_id}/{self.upload_id}.{self.file_type}"

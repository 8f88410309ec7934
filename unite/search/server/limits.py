"""What one request, and all of them together, may take of the server."""

from __future__ import annotations

from dataclasses import dataclass, fields

from unite.errors import ConfigError, must_be

#: In which a clip of a stranger's must be decoded; others wait meanwhile.
DECODE_SECONDS = 30.0


@dataclass(frozen=True)
class Limits:
    """Bounds, each with an answer of its own when it is passed.

    Attributes:
        body_bytes: of one request, files included (413). Nothing is read beyond them.
        files: media in one request (400).
        fields: other fields of a form (400).
        field_bytes: of each of them (400).
        uploads: requests of more than `small_bytes` that are read or answered at once (503); they bound the memory that uploads take.
        small_bytes: of a request that is no upload.
        media_bytes: of media that are being sent at once, each of them whole (503); one alone may be larger.
        waiting: requests that wait for a searcher (503).
        body_seconds: until the whole of a request has come (408).
        head_seconds: until the head of a request has come, and in which a client takes some of an answer; then the connection is cut.
        connections: at once. A new one takes the place of one whose client is waited for; where all are being answered it is let in,
            until there are twice as many (503).
        shutdown_seconds: in which what is in flight is answered when the server ends.
        batch_seconds: for which a request waits for others to be embedded with.
        batch_tokens: about as many are embedded in one call.

    Raises:
        ConfigError: if one is not above 0.
    """

    body_bytes: int = 64 * 2**20
    files: int = 16
    fields: int = 256
    field_bytes: int = 2**20
    uploads: int = 8
    small_bytes: int = 2**18
    media_bytes: int = 512 * 2**20
    waiting: int = 256
    body_seconds: float = 60.0
    head_seconds: float = 15.0
    connections: int = 256
    shutdown_seconds: float = 30.0
    batch_seconds: float = 0.004
    batch_tokens: int = 16384

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise ConfigError(must_be(f"limits.{field.name}", "above 0", getattr(self, field.name)))

"""What the service accepts, and how it refuses the rest."""

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """What one worker process accepts.

    Attributes:
        upload: Bytes of one request.
        image: Bytes of one image.
        images: Images of one request.
        queue: Images that wait or are being scored; as long as there are so many, requests are refused.
        seconds: Time for the body of a request to arrive, and the same again for its images to be scored.
    """

    upload: int = 256 * MIB
    image: int = 64 * MIB
    images: int = 64
    queue: int = 256
    seconds: float = 60

    @property
    def held(self) -> int:
        """Bytes of all uploads that are held in memory at a time."""
        return 2 * self.upload


DEFAULT = Limits()


class Refused(Exception):  # noqa: N818
    """A request that is answered with an error.

    Attributes:
        status: The HTTP status.
        kind: A name for the error, for programs.
        cause: What is wrong, in a few words.
        cure: What the client can do about it.
        retry_after: Seconds after which the client may try again; None if it need not.
    """

    def __init__(self, status: int, kind: str, cause: str, cure: str, retry_after: int | None = None) -> None:
        super().__init__(status, kind, cause, cure, retry_after)
        self.status, self.kind, self.cause, self.cure, self.retry_after = status, kind, cause, cure, retry_after

    @property
    def content(self) -> dict[str, dict[str, str]]:
        """The body of the answer."""
        return {"error": {"kind": self.kind, "cause": self.cause, "cure": self.cure}}

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


def described(size: int) -> str:
    """A number of bytes for people."""
    return f"{size / MIB:g} MiB" if size >= MIB else f"{size:,} bytes"

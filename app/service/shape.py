"""What an administrator says of a source that is asked: its address, its paging, its credential."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

_Path = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
_Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[\w.$\[\]-]+$")]
_Secret = Annotated[str, Field(min_length=1, max_length=4_000, pattern=r"^[\x21-\x7e]+$")]


class Kind(StrEnum):
    """How a list endpoint is asked for what is new."""

    CURSOR = "cursor"
    WATERMARK = "watermark"


class StampFormat(StrEnum):
    """How an instant is written in a parameter: ISO 8601, or 14 digits of Viet Nam's clock."""

    ISO = "iso"
    DIGITS = "digits"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Shape(_Strict):
    """How it pages and where in its answers things are, by dotted paths (`data.items`).

    `cursor`: each answer gives the cursor of the next. `watermark`: records since an instant,
    oldest first by `updated_at`; a little before the last one is asked again.
    """

    kind: Kind
    adapter: Literal["native"] = "native"
    items: _Path = Field(default="items", description="empty: the answer is the list itself")
    has_more: _Path | None = Field(default=None, description="true or false; null: not said")
    page_size: int = Field(default=500, ge=1, le=5_000)
    size_parameter: _Name | None = "limit"
    parameters: dict[_Name, _Path] = Field(default_factory=dict, max_length=20)
    next: _Path = Field(default="next", min_length=1, description="of a cursor")
    cursor_parameter: _Name = "cursor"
    since_parameter: _Name = "updated_since"
    since_format: StampFormat = StampFormat.ISO
    overlap_seconds: int = Field(
        default=300, ge=0, le=7 * 86_400, description="asked again before the watermark"
    )


class Bearer(_Strict):
    """A token that does not change."""

    kind: Literal["bearer"]
    token: _Secret = Field(repr=False)


class ClientCredentials(_Strict):
    """OAuth 2 client credentials (RFC 6749 §4.4): a token is had for each run."""

    kind: Literal["oauth2"]
    token_url: str = Field(max_length=2_000)
    client_id: _Secret
    client_secret: _Secret = Field(repr=False)
    scope: str | None = Field(default=None, max_length=400, pattern=r"^[\x20-\x7e]*$")

    @field_validator("token_url")
    @classmethod
    def _callable(cls, url: str) -> str:
        return callable_address(url)


class PullBody(_Strict):
    """A source that is asked instead of sending.

    `credential` left out keeps the one held, null is none. `since` is where a watermark goes on
    from; left out, where it was.
    """

    url: str = Field(max_length=2_000, examples=["https://motcua.example.vn/api/dossiers"])
    shape: Shape
    credential: Annotated[Bearer | ClientCredentials, Field(discriminator="kind")] | None = None
    branches: list[str] | None = Field(default=None, description="null: the whole office")
    every_seconds: int = Field(default=300, ge=30, le=86_400)
    since: AwareDatetime | None = Field(default=None, ge=datetime(2000, 1, 1, tzinfo=UTC))
    active: bool = True

    @field_validator("url")
    @classmethod
    def _callable(cls, url: str) -> str:
        return callable_address(url)

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.since is not None and self.shape.kind is not Kind.WATERMARK:
            raise ValueError("since is for a watermark; a cursor begins at the beginning")
        return self

    @property
    def keeps_credential(self) -> bool:
        """Whether the credential held so far goes on."""
        return "credential" not in self.model_fields_set

    def stored_credential(self) -> dict[str, Any] | None:
        """As it is kept, with its secret."""
        return self.credential.model_dump() if self.credential else None


def callable_address(url: str) -> str:
    """The address, if it is whole: http or https, a host, no login and no fragment in it."""
    try:
        parts = urlsplit(url)
        sound = (
            url.isprintable()
            and " " not in url
            and parts.scheme in ("https", "http")
            and parts.port != 0
            and bool(parts.hostname)
            and not parts.username
            and not parts.fragment
        )
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("give an address such as https://example.org/api, without a login")
    return url


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: where a credential may go."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port

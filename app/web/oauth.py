"""Access tokens: OAuth2 client credentials (RFC 6749 §4.4)."""

from base64 import b64decode
from binascii import Error as Base64Error
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse

from app.service import access
from app.web.deps import Now, TheParts, Transaction

router = APIRouter(tags=["access"])

_TEXT = {"type": "string"}
_DESCRIBED: dict[str, Any] = {
    "description": "An error (RFC 6749 §5.2)",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["error"],
                "properties": {"error": _TEXT, "error_description": _TEXT},
            }
        }
    },
}
_ERRORS: dict[int | str, dict[str, Any]] = {400: _DESCRIBED, 401: _DESCRIBED}


@router.post("/oauth/token", summary="A bearer token for a client", responses=_ERRORS)
def token(
    request: Request,
    session: Transaction,
    held: TheParts,
    now: Now,
    grant_type: Annotated[str, Form()] = "",
    client_id: Annotated[str, Form()] = "",
    client_secret: Annotated[str, Form()] = "",
) -> JSONResponse:
    """Exchange client credentials, in the form or by HTTP Basic, for a token.

    Errors follow RFC 6749 §5.2, as every OAuth2 client expects, and not RFC 9457.
    """
    if not grant_type:
        return _error(400, "invalid_request", "send grant_type=client_credentials")
    if grant_type != "client_credentials":
        return _error(400, "unsupported_grant_type", "send grant_type=client_credentials")
    basic = _basic(request.headers.get("authorization", ""))
    identifier, secret = basic or (client_id, client_secret)
    lifetime = timedelta(minutes=held.token_minutes)
    issued = None
    if "\0" not in identifier:  # which no client's is, and PostgreSQL could not compare
        issued = access.issue_token(session, identifier, secret, now, lifetime)
    if issued is None:
        return _error(401, "invalid_client", "client_id and client_secret do not match")
    bearer, rights = issued
    return JSONResponse(
        {
            "access_token": bearer,
            "token_type": "bearer",
            "expires_in": int(lifetime.total_seconds()),
            "scope": " ".join(sorted(rights)),
        },
        headers={"Cache-Control": "no-store"},
    )


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        identifier, _, secret = b64decode(encoded).decode().partition(":")
    except (Base64Error, UnicodeDecodeError, ValueError):
        return ("", "")
    return identifier, secret


def _error(status: int, code: str, description: str) -> JSONResponse:
    headers = {"Cache-Control": "no-store"}
    if status == 401:  # noqa: PLR2004 the status is the argument's meaning
        headers["WWW-Authenticate"] = 'Basic realm="dunghan"'
    return JSONResponse({"error": code, "error_description": description}, status, headers=headers)

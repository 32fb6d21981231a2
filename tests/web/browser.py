"""Somebody in front of our pages."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from app.db.engine import Sessions
from app.service import access
from app.web.deps import COOKIE
from tests.web.wire import NOW


class Browser:
    """Somebody who has signed in, with the token of his sign-in."""

    def __init__(self, http: TestClient, csrf: str) -> None:
        self.http = http
        self.csrf = csrf

    def read(self, path: str, status: int = 200) -> str:
        answer = self.http.get(path)
        assert answer.status_code == status, answer.text
        return unescape(answer.text)

    def send(self, path: str, **fields: str) -> Any:  # noqa: ANN401 of two libraries
        return self.http.post(path, data={"csrf": self.csrf} | fields)


Open = Callable[..., Browser]


def signed_in(
    app: FastAPI,
    sessions: Sessions,
    role: str = "administrator",
    branches: list[str] | None = None,
    login: str | None = None,
) -> Browser:
    """The browser of a new account of a role, called after it unless said."""
    login = login or role
    with sessions.begin() as session:
        access.add_user(
            session, login=login, name=login, email=None, role=role, office="H20.16",
            branches=branches, active=True, password="một hai ba bốn",  # noqa: S106 of a test
        )  # fmt: skip
        cookie = access.sign_in(session, login, "một hai ba bốn", NOW, timedelta(hours=1))
    http = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
    http.cookies.set(COOKIE, cookie or "")
    found = re.search(r'name="csrf" value="([^"]+)"', http.get("/quarantine").text)
    assert found
    return Browser(http, found.group(1))

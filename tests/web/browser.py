"""Somebody at our pages."""

from collections.abc import Callable
from html import unescape
from typing import Any

from starlette.testclient import TestClient

Open = Callable[..., "Browser"]


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

"""The application behind a real socket, by the clock on the wall, for whoever speaks to it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from app.db import access as accounts
from app.db.engine import Sessions
from app.service import access
from app.service.access import Right


@contextmanager
def served(app: FastAPI, **options: Any) -> Iterator[str]:  # noqa: ANN401 of a server
    """The address at which it answers while this is open."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    options = {"log_level": "warning", "lifespan": "off"} | options
    server = uvicorn.Server(uvicorn.Config(app, **options))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def credential(sessions: Sessions, name: str = "mot-cua") -> tuple[str, str]:
    """A client of the whole office with the rights every sender has."""
    with sessions.begin() as session:
        accounts.put_source(session, name, name)
        secret = access.add_client(
            session,
            client_id=name,
            source=name,
            office="H20.16",
            branches=None,
            rights=[Right.INTAKE, Right.READ],
        )
    return name, secret

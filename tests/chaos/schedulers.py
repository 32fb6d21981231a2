"""Schedulers that are killed and stopped, and who watches that one of them leads."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from time import monotonic

import psutil
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.db.engine import connect

_LEADERSHIP = 7_266_002  # the advisory lock of app.db.leadership
_SAYS = re.compile(r"\b(leading|following)\b")


@dataclass
class Watch:
    """The longest time without a leader, by the lock and by its tick; sampled every second."""

    longest: float = 0.0
    oldest_tick: float = 0.0
    out_of_reach: int = 0
    samples: int = 0
    changes: int = 0
    ended: Event = field(default_factory=Event)

    def run(self, url: str) -> None:
        """Look every second until `ended`."""
        engine = connect(url, "chaos-watch", pool_size=1)
        led_at, holder = monotonic(), None
        while not self.ended.wait(1):
            try:
                with engine.connect() as connection:
                    row = connection.execute(text(_LEADS), {"key": _LEADERSHIP}).one()
            except DBAPIError:
                engine.dispose()
                self.out_of_reach += 1
            else:
                self.samples += 1
                if row.pid is not None:
                    led_at = monotonic()
                    self.changes += holder not in {None, row.pid}
                    holder = row.pid
                if row.age is not None:
                    self.oldest_tick = max(self.oldest_tick, float(row.age))
            self.longest = max(self.longest, monotonic() - led_at)
        engine.dispose()


_LEADS = """
SELECT (SELECT min(l.pid) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
        WHERE l.locktype = 'advisory' AND l.objid = :key AND l.granted
          AND d.datname = current_database()) AS pid,
       (SELECT extract(epoch FROM clock_timestamp() - ticked_at) FROM job_tick
        WHERE name = 'leadership') AS age
"""


class Scheduler:
    """`python -m jobs`, which may be killed and begun again."""

    def __init__(self, environment: Mapping[str, str], said: Path) -> None:
        """Begin it; what it says is appended to a file."""
        self._environment, self._said = environment, said
        self.family: list[psutil.Process] = []
        self.begin()

    def begin(self) -> None:
        """Begin anew."""
        with self._said.open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jobs"],
                env={**os.environ, **self._environment},
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """End it as a power cut would."""
        with suppress(psutil.NoSuchProcess):
            self.family += psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.wait()

    def leads(self) -> bool:
        """Whether it has said so last."""
        words = _SAYS.findall(self._said.read_text(encoding="utf-8", errors="replace"))
        return bool(words) and words[-1] == "leading"

    def signal(self, number: signal.Signals) -> None:
        """Stop it, or let it go on."""
        self.process.send_signal(number)

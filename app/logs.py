"""Logs: one line an event, structured; never a name, never an address a person typed."""

import logging
import re
import sys

import structlog

_SECRET_PATH = re.compile(r"(/calendars/)[^\s\"?]+")


class _Masked(logging.Filter):
    """Leaves the secret of a calendar's address out of a line, whoever writes it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true: every line is written, with nothing in it that opens a calendar."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                _SECRET_PATH.sub(r"\1***", one) if isinstance(one, str) else one
                for one in record.args
            )
        return True


def configure(*, as_json: bool) -> None:
    """Set up structlog on standard error, and let libraries speak from warnings on."""
    # `dunghan serve` writes no access log; a server started otherwise may.
    logging.getLogger("uvicorn.access").addFilter(_Masked())
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    renderer = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        # Not its default, which prints the variables of every frame: names may be among them.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if as_json else []),
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )

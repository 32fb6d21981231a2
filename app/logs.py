"""Logs: one line an event, structured; never a name, never an address a person typed."""

import logging
import sys

import structlog


def configure(*, as_json: bool) -> None:
    """Set up structlog on standard error, and let libraries speak from warnings on."""
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

"""Whether an event is as our own OpenAPI document says."""

from datetime import date, datetime
from typing import Any

from fastapi import FastAPI
from jsonschema import Draft202012Validator, FormatChecker

from app.main import openapi


def schema_of(app: FastAPI, kind: str) -> dict[str, Any]:
    """The schema of one type of event, with what it refers to."""
    document = openapi(app)
    said = document["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]
    return {**said["schema"], "components": document["components"]}


def faults(app: FastAPI, event: dict[str, Any]) -> list[str]:
    """What about an event is not as the document says; KeyError if it knows no such type."""
    schema = schema_of(app, event["type"])
    checker = Draft202012Validator(schema, format_checker=_FORMATS)
    return [fault.message for fault in checker.iter_errors(event)]


def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def _is_day(value: object) -> bool:
    return not isinstance(value, str) or date.fromisoformat(value) is not None


_FORMATS = FormatChecker(formats=())
_FORMATS.checkers = {"date-time": (_is_instant, ValueError), "date": (_is_day, ValueError)}

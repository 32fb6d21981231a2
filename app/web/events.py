"""What webhooks are sent, for the `webhooks` section of the OpenAPI document."""

from collections.abc import Callable
from datetime import date
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, create_model

from app.core import events
from app.core.ladder import Kind, Level

_AT = "2026-11-23T07:00:00+07:00"
_DUE = "2026-11-24T00:00:00+07:00"
_CODE = "H20.16.03-261116-0001"


class _Open(BaseModel):
    """What is added to a message later must not break whoever reads it."""

    model_config = ConfigDict(extra="allow")


class AlertData(_Open):
    """A fact of a branch; a dossier by its code, nobody by name.

    `subject` is the dossier's code; of a feed and of quarantine `branch/source`, of a calendar its
    first unconfirmed day. `branch` is null where it concerns the office as a whole.
    """

    id: int = Field(description="of `/v1/alerts`", examples=[7])
    kind: Kind
    subject: str = Field(examples=[_CODE])
    code: str | None = Field(examples=[_CODE])
    branch: str | None = Field(examples=["H20.16.03"])
    office: str = Field(examples=["H20.16"])
    level: str
    due_at: AwareDatetime = Field(examples=[_DUE])


class BranchFigures(_Open):
    """How one branch stands: counts that add up, and the first codes of each standing."""

    branch: str = Field(examples=["H20.16.03"])
    heard_at: AwareDatetime | None = Field(examples=["2026-11-23T06:58:00+07:00"])
    silent: bool
    counts: dict[str, int] = Field(examples=[{"overdue": 2, "due_today": 1}])
    codes: dict[str, list[str]] = Field(examples=[{"due_today": [_CODE]}])


class DigestData(_Open):
    """The figures of one working day."""

    day: date = Field(examples=["2026-11-23"])
    branches: list[BranchFigures]


class TestData(_Open):
    """Which webhook was tested, and by whom."""

    webhook: int = Field(examples=[3])
    asked_by: str = Field(examples=["client:one-stop"])


def _event(name: str, says: str, kind: str, data: type[BaseModel], doc: str) -> type[BaseModel]:
    """The whole message of one type of event."""
    said: Any = Literal[kind]
    fields: dict[str, Any] = {
        "type": (said, Field(examples=[kind])),
        "timestamp": (AwareDatetime, Field(description=says, examples=[_AT])),
        "data": (data, ...),
    }
    return create_model(name, __base__=_Open, __doc__=doc, **fields)


def _alert(level: Level) -> type[BaseModel]:
    name = "".join(word.capitalize() for word in level.word.split("_"))
    of: dict[str, Any] = {
        "kind": (Literal[level.kind.value], Field(examples=[level.kind.value])),
        "level": (Literal[level.word], Field(examples=[level.word])),
    }
    data = create_model(f"{name}Data", __base__=AlertData, __doc__=AlertData.__doc__, **of)
    doc = "An alert, as it was raised; one that is no longer true is not sent."
    return _event(f"{name}Alert", "when it was raised", events.alert(level), data, doc)


TYPES: dict[str, type[BaseModel]] = {
    **{events.alert(level): _alert(level) for level in Level},
    events.DIGEST: _event(
        "DailyDigest",
        "when it was written",
        events.DIGEST,
        DigestData,
        "Once each working day, as the first of the branches opens.",
    ),
    events.TEST: _event(
        "WebhookTest", "when it was asked for", events.TEST, TestData, "A test, asked for by hand."
    ),
}
"""The message of each type of event."""


def describe(app: FastAPI) -> None:
    """Put every type of event into the document."""
    for kind, model in TYPES.items():
        app.webhooks.add_api_route(
            kind,
            _receiver(model),
            methods=["POST"],
            status_code=204,
            tags=["events"],
            summary=kind,
            operation_id=f"receive_{kind.replace('.', '_')}",
        )


def _receiver(model: type[BaseModel]) -> Callable[[Any], None]:
    def receive(body: Any) -> None:  # noqa: ANN401 its type is said below
        """Answer 2xx within ten seconds; check `webhook-signature`, drop a known `webhook-id`."""

    receive.__annotations__ = {"body": model, "return": None}
    return receive


def exemplify(document: dict[str, Any]) -> None:
    """Add an example to each event of a document; FastAPI would leave its nulls out."""
    for kind, path in document["webhooks"].items():
        path["post"]["requestBody"]["content"]["application/json"]["example"] = _example(kind)


def _example(kind: str) -> dict[str, Any]:
    """A message of a type, whole."""
    data: dict[str, Any]
    match kind:
        case events.DIGEST:
            counts, codes = {"overdue": 2, "due_today": 1}, {"due_today": [_CODE]}
            branch = {"branch": "H20.16.03", "heard_at": _AT, "silent": False}
            data = {
                "day": "2026-11-23",
                "branches": [branch | {"counts": counts, "codes": codes}],
            }
        case events.TEST:
            data = {"webhook": 3, "asked_by": "client:one-stop"}
        case _:
            data = _ALERTED[kind]
    return {"type": kind, "timestamp": _AT, "data": data}


_SUBJECTS = {
    Kind.FEED: "H20.16.03/one-stop",
    Kind.QUARANTINE: "H20.16.03/one-stop",
    Kind.CALENDAR: "2027-01-01",
}
_ALERTED: dict[str, dict[str, Any]] = {
    events.alert(level): {
        "id": 7,
        "kind": level.kind.value,
        "subject": _SUBJECTS.get(level.kind, _CODE),
        "code": None if level.kind in _SUBJECTS else _CODE,
        "branch": None if level.kind is Kind.CALENDAR else "H20.16.03",
        "office": "H20.16",
        "level": level.word,
        "due_at": _DUE,
    }
    for level in Level
}

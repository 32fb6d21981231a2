"""The OpenAPI document holds: what it describes is what is answered, and nothing makes a 5xx."""

from typing import Any, cast

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.web.wire import Api, record

EXAMPLES = 18
# Its errors are those of RFC 6749, and what it answers is of the document's own making.
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
DECLARED = {
    "GET /healthz",
    "GET /metrics",
    "GET /readyz",
    "GET /v1/alerts",
    "POST /v1/alerts/{alert_id}/acknowledge",
    "GET /v1/ladders",
    "PUT /v1/ladders/{group}",
    "DELETE /v1/ladders/{group}",
    "GET /v1/branches",
    "GET /v1/calendars/{scope}",
    "GET /v1/calendars/{scope}/in-force",
    "GET /v1/calendars/{scope}/proposals",
    "GET /v1/causes/missing",
    "GET /v1/closings",
    "GET /v1/closings/{closing_id}",
    "GET /v1/closings/{closing_id}/corrections",
    "GET /v1/closings/{closing_id}/dossiers",
    "GET /v1/communes",
    "GET /v1/completeness",
    "GET /v1/deliveries",
    "GET /v1/deliveries/{delivery_id}",
    "GET /v1/digests/today",
    "GET /v1/divergences",
    "GET /v1/due-calendars",
    "GET /v1/sources",
    "PUT /v1/sources/{code}",
    "GET /v1/dossiers",
    "GET /v1/dossiers/{code}",
    "GET /v1/dossiers/{code}/deadline",
    "GET /v1/dossiers/{code}/history",
    "GET /v1/history/roots",
    "GET /v1/feeds",
    "GET /v1/imports",
    "GET /v1/imports/{import_id}",
    "GET /v1/imports/{import_id}/rejects",
    "GET /v1/letters",
    "GET /v1/letters.zip",
    "GET /v1/letters/{letter_id}",
    "GET /v1/letters/{letter_id}.docx",
    "GET /v1/offices/{code}",
    "GET /v1/policies/supplement",
    "GET /v1/procedures",
    "GET /v1/publications",
    "GET /v1/pulls",
    "GET /v1/quarantine",
    "GET /v1/quarantine/counts",
    "GET /v1/quarantine/{quarantine_id}",
    "GET /v1/reports/backlog",
    "GET /v1/reports/backlog-oldest",
    "GET /v1/reports/bottlenecks",
    "GET /v1/reports/causes",
    "GET /v1/reports/durations",
    "GET /v1/reports/ii-06a",
    "GET /v1/reports/ii-06a/corrections",
    "GET /v1/reports/index-766",
    "GET /v1/reports/on-time",
    "GET /v1/reports/yardsticks",
    "GET /v1/reports/yardsticks/dossiers",
    "GET /v1/reports/yardstick-reasons",
    "GET /v1/reports/{name}/chart",
    "GET /v1/reports/stages",
    "GET /v1/reports/steps",
    "GET /v1/subscriptions",
    "GET /v1/subscriptions/me",
    "GET /v1/webhooks",
    "POST /oauth/token",
    "POST /v1/closings",
    "POST /v1/deadlines",
    "PATCH /v1/webhooks/{webhook_id}",
    "POST /v1/deliveries/replay",
    "POST /v1/deliveries/{delivery_id}/replay",
    "POST /v1/due-calendars",
    "POST /v1/dossiers/batch",
    "POST /v1/dossiers/{code}/cause",
    "POST /v1/dossiers/{code}/letters",
    "POST /v1/dossiers/{code}/recounts",
    "POST /v1/dvcqg/CapNhatTienDoHoSoMC",
    "POST /v1/dvcqg/DongBoHoSoMC",
    "POST /v1/heartbeat",
    "POST /v1/letters",
    "POST /v1/letters/{letter_id}/sent",
    "POST /v1/letters/{letter_id}/void",
    "POST /v1/pulls/{source}/pause",
    "POST /v1/pulls/{source}/resume",
    "POST /v1/pulls/{source}/run",
    "POST /v1/quarantine/retry",
    "POST /v1/quarantine/{quarantine_id}/discard",
    "POST /v1/imports",
    "POST /v1/quarantine/{quarantine_id}/retry",
    "POST /v1/webhooks",
    "POST /v1/webhooks/{webhook_id}/resume",
    "POST /v1/webhooks/{webhook_id}/rotate",
    "POST /v1/webhooks/{webhook_id}/test",
    "PUT /v1/calendars/{scope}",
    "PUT /v1/calendars/{scope}/confirmed",
    "PUT /v1/calendars/{scope}/days/{on}",
    "PUT /v1/dossiers/{code}",
    "PUT /v1/feeds/{source}",
    "PUT /v1/offices/{code}",
    "PUT /v1/policies/supplement",
    "PUT /v1/procedures/{code}",
    "PUT /v1/pulls/{source}",
    "PUT /v1/subscriptions/me",
    "PUT /v1/subscriptions/{user_id}",
    "DELETE /v1/calendars/{scope}/days/{on}",
    "DELETE /v1/due-calendars/{calendar_id}",
    "DELETE /v1/feeds/{source}",
    "DELETE /v1/pulls/{source}",
    "DELETE /v1/webhooks/{webhook_id}",
}


def described(document: dict[str, Any]) -> set[str]:
    return {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    }


def test_the_document_describes_every_route_of_the_contract(sender: Api):
    document = sender.get("/openapi.json")

    assert document["openapi"].startswith("3.1")
    assert described(document) == DECLARED
    assert "DossierRecord" in document["components"]["schemas"]


def test_every_reference_of_the_document_leads_somewhere(sender: Api):
    document = sender.get("/openapi.json")

    def references(held: Any) -> set[str]:  # noqa: ANN401 JSON
        if isinstance(held, dict):
            own = {held["$ref"]} if isinstance(held.get("$ref"), str) else set()
            return own.union(*(references(part) for part in held.values()))
        if isinstance(held, list):
            return set().union(*(references(part) for part in held))
        return set()

    for reference in references(document):
        found: Any = document
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
        assert found


@pytest.mark.usefixtures("catalogue_as_it_was")
@pytest.mark.parametrize("name", sorted(DECLARED))
def test_nothing_that_fits_the_document_makes_a_5xx(app: FastAPI, sender: Api, name: str):
    sender.batch([record(1), record(2, status=5)])
    hook = {"url": "https://example.org/hook"}
    assert sender.http.post("/v1/webhooks", json=hook).status_code == 201
    schema = schemathesis.openapi.from_dict(sender.get("/openapi.json"))
    method, path = name.split(" ")
    operation = schema[path][method]
    operation.app = app
    headers = {"Authorization": sender.http.headers["Authorization"]}

    with asgi.get_client(cast("Any", app)) as client:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def holds(case: schemathesis.Case[Any]) -> None:
            answer = case.call(session=client, app=app, headers=headers)
            case.validate_response(answer, checks=CHECKS)

        holds()

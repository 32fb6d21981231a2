"""The HTTP front door: wires engine, rules and routers; no logic."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
from fastapi import Depends, FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from sqlalchemy import Engine
from starlette.staticfiles import StaticFiles

from app import logs
from app.db.engine import connect, sessions
from app.printed.easel import Easel
from app.service.access import Principal, Right
from app.service.digest import Judged
from app.service.mornings import Waits
from app.service.rules import RuleBook
from app.settings import Settings
from app.web import (
    alerts,
    batch,
    calendars,
    catalogue,
    causes,
    closings,
    completeness,
    deadlines,
    deliveries,
    digests,
    dossiers,
    due_calendars,
    dvcqg,
    events,
    feeds,
    health,
    history,
    imports,
    ladders,
    letter_documents,
    letters,
    metrics,
    oauth,
    pages,
    problems,
    pulls,
    quarantine,
    recounts,
    reports,
    sources,
    subscriptions,
    webhooks,
)
from app.web.crew import Crew, calm_collector
from app.web.deps import Parts, with_right
from app.web.patience import Patience

_STATIC = Path(__file__).parent / "static"
# A body is read and parsed before the credential is looked at: a bound for everybody.
_MAX_BODY = 1024 * 1024
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'",
}
# Swagger UI starts from a script in its page and draws its own pictures.
_DOCS_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'"
)


_ROOMS = (
    oauth,
    batch,
    dossiers,
    dvcqg,
    history,
    completeness,
    deadlines,
    reports,
    digests,
    closings,
    catalogue,
    calendars,
    recounts,
    causes,
    letter_documents,  # its `{id}.docx` before the plain `{id}`
    letters,
    quarantine,
    sources,
    imports,
    alerts,
    ladders,
    webhooks,
    deliveries,
    due_calendars,
    subscriptions,
    feeds,
    pulls,
    health,
    metrics,
    pages,
)


def create() -> FastAPI:
    """The application with the environment's settings (`uvicorn --factory app.main:create`)."""
    settings = Settings()
    logs.configure(as_json=settings.log_json)
    if settings.database_url is None:
        raise SystemExit("DUNGHAN_DATABASE_URL is not set; `dunghan serve` starts an embedded one")
    engine = connect(settings.database_url, "dunghan-web", pool_size=40)
    return build(settings, engine, Crew(settings.database_url, settings.intake_processes))


def build(settings: Settings, engine: Engine, crew: Crew | None = None) -> FastAPI:
    """The application on an engine; without a crew it takes in everything itself."""
    crew = crew or Crew("", 0)
    easel = Easel()

    @asynccontextmanager
    async def living(_: FastAPI) -> AsyncIterator[None]:
        calm_collector()
        yield
        crew.end()
        easel.end()
        engine.dispose()

    app = FastAPI(
        title="Đúng Hạn",
        version="1",
        summary="Statutory deadlines of land-registration dossiers: due, explained, reported",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=living,
        max_body_size=_MAX_BODY,
    )
    app.state.engine = engine
    app.state.easel = easel
    app.state.parts = Parts(
        sessions=sessions(engine),
        book=RuleBook(),
        silence_days=settings.silence_days,
        soon_days=settings.soon_days,
        session_hours=settings.session_hours,
        token_minutes=settings.token_minutes,
        allow_private_webhooks=settings.allow_private_webhooks,
        secure_cookies=(settings.public_url or "").startswith("https://"),
        letters=settings.letters,
        crew=crew,
        judged=Judged(
            settings.silence_days,
            settings.soon_days,
            Waits(settings.tax_wait_days, settings.citizen_wait_days),
            settings.public_url,
        ),
    )
    problems.install(app)
    app.middleware("http")(_with_headers)
    app.add_middleware(Patience)
    for room in _ROOMS:
        app.include_router(room.router)
    events.describe(app)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.mount("/docs-static", StaticFiles(packages=[("fastapi_offline", "static")]))
    _document(app)
    return app


async def _with_headers(
    request: Request, go_on: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await go_on(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _document(app: FastAPI) -> None:
    """OpenAPI 3.1 and its page, for whoever has a credential; nothing is fetched from elsewhere."""

    @app.get("/openapi.json", include_in_schema=False)
    def openapi_json(
        caller: Annotated[Principal, Depends(with_right(Right.READ))],  # noqa: ARG001 access
    ) -> dict[str, Any]:
        return openapi(app)

    @app.get("/docs", include_in_schema=False)
    def docs(
        caller: Annotated[Principal, Depends(with_right(Right.READ))],  # noqa: ARG001 access
    ) -> HTMLResponse:
        page = get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Đúng Hạn API",
            swagger_js_url="/docs-static/swagger-ui-bundle.js",
            swagger_css_url="/docs-static/swagger-ui.css",
            swagger_favicon_url="/docs-static/favicon.png",
            swagger_ui_parameters={"validatorUrl": None},
        )
        page.headers["Content-Security-Policy"] = _DOCS_POLICY
        return page


def openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the wire types of the bulk path beside the models of the rest."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            routes=app.routes,
            webhooks=app.webhooks.routes,
            openapi_version="3.1.0",
        )
        _, parts = msgspec.json.schema_components(
            dossiers.WIRE_TYPES, ref_template="#/components/schemas/{name}"
        )
        document.setdefault("components", {}).setdefault("schemas", {}).update(parts)
        events.exemplify(document)
        app.openapi_schema = document
    return app.openapi_schema

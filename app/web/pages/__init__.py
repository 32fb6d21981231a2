"""The pages people read: server-rendered, Vietnamese first, for whoever has signed in."""

from fastapi import APIRouter

from app.web.pages import (
    alerts,
    branch,
    calendar,
    deliveries,
    digest,
    dossier,
    imports,
    letters,
    mending,
    quarantine,
    reports,
    signing,
    today,
)

router = APIRouter(include_in_schema=False)
for page in (
    *(signing, today, alerts, digest, branch, dossier, letters, reports, quarantine, mending),
    *(calendar, imports, deliveries),
):
    router.include_router(page.router)

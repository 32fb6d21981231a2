"""The pages people read: server-rendered, Vietnamese first, for whoever has signed in."""

from fastapi import APIRouter

from app.web.pages import (
    branch,
    calendar,
    deliveries,
    dossier,
    imports,
    mending,
    quarantine,
    reports,
    signing,
    today,
)

router = APIRouter(include_in_schema=False)
for page in (
    *(signing, today, branch, dossier, reports),
    *(quarantine, mending, calendar, imports, deliveries),
):
    router.include_router(page.router)

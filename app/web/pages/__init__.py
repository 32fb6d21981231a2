"""The pages people read: server-rendered, Vietnamese first, for whoever has signed in."""

from fastapi import APIRouter

from app.web.pages import branch, calendar, dossier, mending, quarantine, signing, today

router = APIRouter(include_in_schema=False)
for page in (signing, today, branch, dossier, quarantine, mending, calendar):
    router.include_router(page.router)

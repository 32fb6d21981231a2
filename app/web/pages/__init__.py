"""The pages people read: server-rendered, Vietnamese first, for whoever has signed in."""

from fastapi import APIRouter

from app.web.pages import branch, calendar, dossier, imports, mending, quarantine, signing, today

router = APIRouter(include_in_schema=False)
for page in (signing, today, branch, dossier, quarantine, mending, calendar, imports):
    router.include_router(page.router)

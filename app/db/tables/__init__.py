"""Every table, split by noun; beside each index stands the query it serves."""

from app.db.tables.access import access_token, client, session, source, user_account
from app.db.tables.alerts import alert, delivery, job_run, job_tick, watch, webhook
from app.db.tables.catalogue import (
    branch,
    calendar,
    catalogue,
    commune,
    limit_rule,
    office,
    procedure,
    publication,
    supplement_rule,
    working_calendar,
)
from app.db.tables.closings import closing, closing_adjustment, closing_dossier, closing_report
from app.db.tables.dossiers import applicant, dossier, feed, quarantine, revision
from app.db.tables.metadata import metadata
from app.db.tables.sources import (
    alias,
    column_mapping,
    daily_root,
    divergence,
    import_run,
    portal_dossier,
    pull,
    witness,
)

__all__ = [
    "access_token",
    "alert",
    "alias",
    "applicant",
    "branch",
    "calendar",
    "catalogue",
    "client",
    "closing",
    "closing_adjustment",
    "closing_dossier",
    "closing_report",
    "column_mapping",
    "commune",
    "daily_root",
    "delivery",
    "divergence",
    "dossier",
    "feed",
    "import_run",
    "job_run",
    "job_tick",
    "limit_rule",
    "metadata",
    "office",
    "portal_dossier",
    "procedure",
    "publication",
    "pull",
    "quarantine",
    "revision",
    "session",
    "source",
    "supplement_rule",
    "user_account",
    "watch",
    "webhook",
    "witness",
    "working_calendar",
]

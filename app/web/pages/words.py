"""The words of the pages for what the records say with codes; each value is a translation key."""

from collections.abc import Mapping

from app.core.clock import Reason, SupplementPolicy
from app.core.duties import Duty
from app.core.index766 import Population
from app.core.ladder import Level
from app.core.lifecycle import ApplicantKind, Channel, Outcome, State
from app.core.limits import NoLimit
from app.core.rating import Verdict
from app.core.trace import Begins
from app.core.yardsticks import Yardstick
from app.db import deliveries
from app.db.deliveries import Channel as Way
from app.db.delivery_log import Fate
from app.db.in_hand import Group
from app.db.letters import LetterState
from app.db.lists import Reading
from app.service.durations import By

STATES: Mapping[str, str] = {
    Reading.OVERDUE: "Overdue",
    Reading.UNVERIFIED: "Unverified",
    Reading.DUE_SOON: "Due soon",
    State.SUBMITTED: "Not yet received",
    State.RUNNING: "In time",
    State.SUSPENDED: "Suspended",
    State.WAITING: "Waiting for the tax",
    State.NO_LIMIT: "No limit yet",
    State.FINISHED: "Finished",
    State.CLOSED: "Closed without a result",
}
TONES: Mapping[str, str] = {
    Reading.OVERDUE: "late",
    Reading.UNVERIFIED: "doubt",
    Reading.DUE_SOON: "soon",
    State.RUNNING: "good",
    State.NO_LIMIT: "doubt",
    State.FINISHED: "done",
    State.CLOSED: "done",
}
"""Classes of the style sheet, beside the word and never instead of it."""

VERDICTS: Mapping[str, str] = {
    Verdict.EARLY: "Finished early",
    Verdict.ON_TIME: "Finished on time",
    Verdict.LATE: "Finished late",
    Verdict.NO_LIMIT: "Finished; no limit to judge it by",
}
OUTCOMES: Mapping[str, str] = {
    Outcome.RESULT: "result given",
    Outcome.REFUSED: "refused",
    Outcome.WITHDRAWN: "withdrawn by the applicant",
    Outcome.RETURNED: "returned",
    Outcome.STOPPED: "processing stopped",
}
REASONS: Mapping[str, str] = {
    Reason.SUPPLEMENT: "supplement",
    Reason.FINANCIAL_OBLIGATION: "financial_obligation",
    Reason.PUBLIC_POSTING: "public_posting",
    Reason.EXPERT_APPRAISAL: "expert_appraisal",
    Reason.VIOLATION_HANDLING: "violation_handling",
    Reason.FORCE_MAJEURE: "force_majeure",
}
"""The codes themselves are the keys: the explanations of the API carry them."""

RECEIVED: Mapping[Begins, str] = {
    Begins.RECEIPT: "received",
    Begins.LAND_OFFICE: "received by the land office",
    Begins.STAGE: "the stage begins",
}
"""Keys as well: the explanations carry them."""

POLICIES: Mapping[str, str] = {
    SupplementPolicy.RESUME: "after a supplement the count goes on where it stopped",
    SupplementPolicy.RESTART: "after a supplement the count starts again",
}
CHANNELS: Mapping[str, str] = {
    Channel.ONLINE: "online",
    Channel.COUNTER: "at the counter",
    Channel.POST: "by post",
}
APPLICANTS: Mapping[str, str] = {
    ApplicantKind.CITIZEN: "citizen",
    ApplicantKind.ENTERPRISE: "enterprise",
    ApplicantKind.STATE_BODY: "state body",
    ApplicantKind.ORGANISATION: "organisation",
}
NO_LIMITS: Mapping[str, str] = {
    NoLimit.PROCEDURE: "No due date: the procedure is not in the catalogue, or has no limit there.",
    NoLimit.CASE: "No due date: the catalogue does not know this case of the procedure.",
    NoLimit.COMMUNE: "No due date: the commune is not in the catalogue.",
    NoLimit.DAY: "No due date: no limit of the procedure was in force on the day of receipt.",
    NoLimit.CALENDAR: "No due date: an instant lies beyond the working calendar.",
}
STATUSES: Mapping[int, str] = {
    1: "newly submitted",
    2: "received",
    3: "not accepted",
    4: "in progress",
    5: "supplement requested",
    6: "financial obligation requested",
    7: "withdrawal requested",
    8: "stopped",
    9: "finished",
    10: "result handed over",
}
CONFIDENCES: Mapping[str, str] = {
    "derived": "The figure is derived from the text, not printed in it.",
    "memory_medium": "The figure has not been checked against the published text.",
}
"""What is found in the text needs no word."""

PROMISES: Mapping[str, str] = {
    "slip": "on the receipt slip",
    "supplement": "after a supplement",
    "tax": "after the financial obligation",
    "suspension": "after the clock had lawfully stopped",
    "apology": "letter of apology",
    "unexplained": "changed without a stated reason",
}
FIELDS: Mapping[str, str] = {
    "code": "dossier code",
    "procedure": "procedure",
    "procedure_code": "procedure",
    "case": "case",
    "branch": "branch",
    "commune": "commune",
    "channel": "channel",
    "applicant": "applicant",
    "applicant_kind": "kind of applicant",
    "status": "status",
    "submitted_at": "moment of filing",
    "received_at": "moment of receipt",
    "land_office_received_at": "receipt by the land office",
    "promised_at": "promised date",
    "suspensions": "suspensions",
    "stages": "stages",
    "extensions": "extensions",
    "apologies": "apologies",
    "steps": "steps",
    "finished_at": "moment of the result",
    "ended_at": "moment of the end",
    "outcome": "outcome",
    "handed_over_at": "moment of hand-over",
    "online_payment": "online payment",
    "status_told": "status as it was sent",
    "suspensions_inferred": "pauses told by statuses alone",
    "aliases": "other names of the dossier",
    "updated_at": "moment of the record",
}
OUTCOMES_OF_ROWS: Mapping[str, str] = {
    "created": "new",
    "updated": "changed",
    "unchanged": "as it was",
    "stale": "older than what is held",
    "quarantined": "not taken in",
}
"""What became of the rows of a file."""

FLAGS: Mapping[str, str] = {"true": "yes", "false": "no"}
DRIVEN: Mapping[str, str] = {
    "created": "taken in as a new dossier",
    "updated": "taken in as an update",
    "unchanged": "known already, unchanged",
    "stale": "older than what is held, so nothing changed",
    "quarantined": "refused again",
    "discarded": "the record is discarded",
}
SETTLED: Mapping[str, str] = {
    "resent": "mended by a later record of the sender",
    "redriven": "taken in as it was",
    "amended": "mended by hand and taken in",
    "discarded": "discarded",
    "mended": "mended",
    "open": "not mended yet",
}

DUTIES: Mapping[Duty, str] = {
    Duty.ACCEPTANCE: "Accept or refuse the online dossier",
    Duty.SUPPLEMENT_NOTICE: "Ask for what is missing",
    Duty.ONE_SUPPLEMENT: "More asked for a second time",
    Duty.APOLOGY: "Send the letter of apology",
    Duty.HAND_OVER: "Hand the result over",
}
SPLITS: Mapping[str, str] = {
    Group.BRANCH: "Branch",
    Group.PROCEDURE: "Procedure",
    Group.GROUP: "Group of procedures",
    Group.CASE: "Case",
    Group.COMMUNE: "Commune",
    Group.CHANNEL: "Channel",
    Group.APPLICANT_KIND: "Kind of applicant",
    Group.MONTH: "Month of the end",
    Group.QUARTER: "Quarter of the end",
    Group.REPORTING_QUARTER: "Reporting quarter of the end",
}
YARDSTICKS: Mapping[str, str] = {
    Yardstick.LEGAL: "by law",
    Yardstick.FORM: "by form II.06a",
    Yardstick.INDEX766: "by index 766",
}
PARTS: Mapping[str, str] = {
    By.PROCEDURE: "Procedure",
    By.BRANCH: "Branch",
    By.GROUP: "Group of procedures",
    By.STAGE: "Appointment",
    By.STEP: "Step",
    By.TAX: "Tax leg",
}
POPULATIONS: Mapping[str, str] = {
    Population.IN_HAND: "all that was in hand",
    Population.RECEIVED: "received in the period",
    Population.ENDED: "ended in the period",
}
LETTERS: Mapping[str, str] = {
    LetterState.DRAFT: "drafted, not yet sent",
    LetterState.SENT: "sent",
    LetterState.VOID: "taken back",
}
YES: Mapping[str, str] = {"no": "no", "yes": "yes"}
ASKED: Mapping[str, str] = {
    "period": "Period",
    "from": "From",
    "to": "To",
    "as_of": "As of the close of",
    "branch": "Branch",
    "group_by": "Split by",
    "yardstick": "Yardstick",
    "by": "Split by",
    "population": "Dossiers counted",
    "by_branch": "Each branch",
    "per_branch": "Each branch",
    "live": "Counted anew",
    "cause": "Cause",
    "note": "Note, without anybody's name",
    "reason": "Reason",
    "promised_at": "New appointment",
    "sent_at": "Sent at",
    "letter": "Letter",
    "code": "Dossier code",
}
"""What a report is asked for, as its form calls it."""

LEVELS: Mapping[Level, str] = {
    Level.SHARE_USED: "Much of the limit is used",
    Level.DUE_SOON: "Due soon",
    Level.APOLOGY_DUE: "An apology is due if the due date cannot be kept",
    Level.DUE_TODAY: "Due today",
    Level.OVERDUE: "Overdue",
    Level.OVERDUE_REMINDED: "Overdue for {days} working days",
    Level.OVERDUE_LONG: "Overdue for {days} working days",
    Level.OVERDUE_VERY_LONG: "Overdue for {days} working days",
    Level.ACCEPTANCE_LATE: "Not accepted or refused in time",
    Level.SUPPLEMENT_NOTICE_LATE: "The supplement was asked for too late",
    Level.HAND_OVER_LATE: "The result was not handed over in time",
    Level.FEED_SILENT: "No data are coming in",
    Level.CALENDAR_UNCONFIRMED: "The working calendar is not confirmed",
    Level.QUARANTINE_GROWING: "Many records are refused",
}
"""What an alert says, as a key of translation."""

FATES: Mapping[str, str] = {
    Fate.QUEUED: "Waiting",
    Fate.SENT: "Sent",
    Fate.DEAD: "Given up",
    Fate.DROPPED: "Not sent",
}
DROPPED: Mapping[str, str] = {
    deliveries.OVER: "its day is over; what it told stands in the next digest",
    deliveries.UNTRUE: "it is no longer true: the dossier was closed or its due date moved",
}
WAYS: Mapping[str, str] = {Way.MAIL: "Mail", Way.WEBHOOK: "Webhook"}

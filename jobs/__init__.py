"""The front door of time: one file a job, every trigger in plain sight in `__main__`."""

from dataclasses import dataclass, field

from app.db.engine import Sessions
from app.outbound import webhook
from app.printed.easel import Easel
from app.service.rules import RuleBook
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """What every job is given besides the moment it acts at."""

    sessions: Sessions
    book: RuleBook
    settings: Settings
    client: webhook.Client
    easel: Easel = field(default_factory=Easel)

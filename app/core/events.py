"""The types of events webhooks are told, by the words that travel."""

from app.core.ladder import Level

DIGEST = "digest.daily"
TEST = "webhook.test"


def alert(level: Level) -> str:
    """The type of an alert: `alert.due_soon`."""
    return f"alert.{level.word}"


CHOOSABLE = (*(alert(level) for level in Level), DIGEST)
"""What a webhook may be narrowed to; a test comes when it is asked for."""

"""The types of events, by the words that travel."""

from app.core.events import CHOOSABLE, DIGEST, TEST, alert
from app.core.ladder import Level


def test_every_level_has_an_event_of_its_own():
    assert alert(Level.DUE_SOON) == "alert.due_soon"
    assert len(set(CHOOSABLE)) == len(Level) + 1
    assert DIGEST in CHOOSABLE
    assert TEST not in CHOOSABLE

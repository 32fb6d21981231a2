"""A small share of `python -m tests.fuzz`."""

from random import Random

from app.db.engine import Sessions
from tests.fuzz import tries
from tests.fuzz.portal import ITEMS
from tests.web.wire import Api, finished, record

SOUND = [
    record(1),
    record(2, commune="30112", channel="online", online_payment=True),
    finished(3, "2026-11-18", ended_at="2026-11-18T10:00:00+07:00", outcome="result"),
    record(
        4,
        suspensions=[
            {
                "reason": "supplement",
                "from": "2026-11-16T09:00:00+07:00",
                "until": "2026-11-16T10:00:00+07:00",
                "ground": "Thiếu bản vẽ",
            }
        ],
        steps=[{"name": "Thẩm định", "unit": "CN III", "officer": "Trần Văn B"}],
        updated_at="2026-11-17T08:00:00+07:00",
    ),
]
SEED = 20261122


def poster(sender: Api) -> tries.Post:
    def post(path: str, raw: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        answer = sender.http.post(path, content=raw, headers=headers)
        return answer.status_code, answer.content

    return post


def test_of_mutated_records_none_is_believed_wrongly_and_no_neighbour_is_lost(
    sender: Api, sessions: Sessions
):
    dice, tried = Random(SEED), tries.Tried()  # noqa: S311 dice

    for _ in range(4):
        tries.batch(poster(sender), dice, SOUND, 300, tried)

    assert tried.wrong == []
    assert list(tries.stored(sessions)) == []
    assert tried.kept == tries.kept(sessions)
    # The dice throw all kinds: a fuzz whose every record is refused at the door tells nothing.
    assert min(tried.outcomes[kind] for kind in ("quarantined", "quarantined not kept")) > 100
    assert tried.outcomes["created"] + tried.outcomes["updated"] > 3


def test_no_body_is_answered_with_a_fault_of_ours(sender: Api, sessions: Sessions):
    dice, tried = Random(SEED), tries.Tried()  # noqa: S311 dice

    tries.bodies(poster(sender), dice, SOUND, 200, tried)
    tries.portal(poster(sender), dice, ITEMS, 200, tried)

    assert tried.wrong == []
    assert list(tries.stored(sessions)) == []
    assert set(tried.statuses) >= {200, 400, 415}

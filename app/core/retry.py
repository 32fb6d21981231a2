"""How long to wait before trying again."""

from datetime import timedelta

_FIRST = timedelta(seconds=30)
_LONGEST = timedelta(hours=6)
MAX_ATTEMPTS = 12  # 30 s, 1, 2, 4 … min, 4 h, 6 h apart: some 14 hours in all


def wait_before(attempt: int, jitter: float = 0.0) -> timedelta:
    """The pause before attempt number `attempt` (the first retry is 2): doubling, up to 6 hours.

    `jitter` from 0 to 1 shortens it by up to a fifth, so that many failures do not retry as one.
    """
    doublings: int = min(max(attempt - 2, 0), 20)
    return min(_FIRST * 2.0**doublings, _LONGEST) * (1 - 0.2 * jitter)


# When a receiver is left alone until its owner has looked. Twenty: of a busy one that is a minute,
# of a quiet one two messages given up. An hour besides: a restart or a short maintenance, however
# many messages fall into it, is over by then.
PAUSE_AFTER = 20
PAUSE_AFTER_FAILING_FOR = timedelta(hours=1)

_LONGEST_PAUSE = timedelta(hours=1)


def backoff(failures: int, chance: float) -> timedelta:
    """The pause after some failures in a row, with full jitter: any part of a doubling span.

    The span is 30 seconds after the first failure and at most an hour; `chance` from 0 to 1 says
    which part, so that many callers of one machine that was down do not return as one. Never
    shorter than a second.
    """
    doublings = min(max(failures - 1, 0), 20)
    span = min(_FIRST * 2.0**doublings, _LONGEST_PAUSE)
    return max(span * chance, timedelta(seconds=1))

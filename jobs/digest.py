"""Every minute: whoever's branch has opened and who has no digest of the day yet gets one.

What is due by then is raised first, so that it is told today. Read in one transaction, drawn and
written in none, queued in another; what is queued is decided by the rows of `digest` that were
not there before, so two schedulers never send two.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.db import deliveries, digests
from app.db.deliveries import Attachment, Channel, Draft
from app.db.digests import Mark, Recipient, Seen
from app.printed import files, xlsx
from app.printed.blocks import File, Letter
from app.printed.files import MEDIA_TYPES, Format
from app.printed.mail import Mail, drawn
from app.printed.speech import Speech
from app.printed.spoken import spoken
from app.service import digest, weekly
from app.service.digest import Judged, Morning, Reader
from app.service.digest_document import Digest
from app.service.digest_owed import Owed, owed
from app.service.document import Document
from app.service.mornings import Waits
from app.service.rules import Rules
from app.service.week_document import Weekly
from app.service.weekly import Scope
from jobs import Context, flags, standing

_AT_ONCE = 50
"""Letters that are written before they are queued; the first leave while the next are drawn."""


def write_digests(context: Context, now: datetime) -> int:
    """Queue the digests and weekly summaries owed now; return to how many recipients."""
    with context.sessions.begin() as session:
        rules = context.book.in_force(session)
        due = owed(session, rules, now)
    if not due:
        return 0
    # The sweeps begin at the same instant, at an opening and after an outage. What they have not
    # raised by now would be told a working day late.
    flags.raise_due(context, now)
    standing.raise_standing(context, now)
    with context.sessions.begin() as session:
        # The lock of the watermark is held until here only: the sweep waits for nothing longer.
        names = [one.recipient.name for one in due]
        until = digests.alerts_settled(session)
        digests.drop_unsent(session, names, now.astimezone(due[0].expires_at.tzinfo).date())
        seen = digests.last_seen(session, names)
    told = _read(context, rules, due, seen, until, now)
    found = sorted(told.parcels, key=lambda one: (one.key, one.owed.recipient.name))
    queued = 0
    for start in range(0, len(found), _AT_ONCE):
        queued += _queue(context, told, found[start : start + _AT_ONCE], now)
    return queued


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one recipient gets: the digest of its readers, the summary of its scope."""

    owed: Owed
    reader: Reader | None
    scope: Scope | None
    until: int

    @property
    def key(self) -> tuple[str, ...]:
        """The same for those whose mail is the same, so that they stand together."""
        one = self.owed
        return (repr(self.reader), repr(self.scope), one.recipient.language, str(one.all_clear))


@dataclass(frozen=True, slots=True)
class Told:
    """All that was read, and to whom it goes."""

    morning: Morning
    digests: Mapping[Reader, Digest]
    weeks: Mapping[Scope, Weekly]
    parcels: Sequence[Parcel]


def _read(
    context: Context,
    rules: Rules,
    due: Sequence[Owed],
    seen: Mapping[str, Seen],
    until: int,
    now: datetime,
) -> Told:
    """The figures of one instant: intake goes on beside, and lists must add up to their counts."""
    judged = _judged(context)
    with context.sessions.begin() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        held = digest.morning(session, rules, now, judged, {one.recipient.office for one in due})
        parcels = [
            Parcel(
                owed=one,
                reader=_reader(held, one.recipient, seen) if one.daily else None,
                scope=Scope(one.recipient.office, one.recipient.branches) if one.weekly else None,
                until=until,
            )
            for one in due
        ]
        readers = {
            one.reader
            for one in parcels
            if one.reader and one.owed.recipient.channel is Channel.MAIL
        }
        return Told(
            morning=held,
            digests=digest.written(session, held, sorted(readers, key=repr), until),
            weeks=weekly.summaries(
                session,
                rules,
                now,
                {one.scope for one in parcels if one.scope},
                silence_days=judged.silence_days,
                soon_days=judged.soon_days,
            ),
            parcels=parcels,
        )


def _judged(context: Context) -> Judged:
    held = context.settings
    waits = Waits(held.tax_wait_days, held.citizen_wait_days)
    return Judged(held.silence_days, held.soon_days, waits, held.public_url)


def _reader(held: Morning, one: Recipient, seen: Mapping[str, Seen]) -> Reader:
    return held.reader(one.office, one.branches, one.told, seen.get(one.name))


def _queue(context: Context, told: Told, parcels: Sequence[Parcel], now: datetime) -> int:
    """Write the letters of some recipients, then keep and queue them at once."""
    letters: dict[tuple[str, ...], Letter] = {}
    marks: list[Mark] = []
    drafts: dict[str, Draft] = {}
    for parcel in parcels:
        mine = list(_marks(told, parcel, now))
        marks += mine
        said = [mark.key for mark in mine if mark.said]
        if not said:
            continue
        if parcel.owed.recipient.channel is Channel.WEBHOOK:
            drafts[said[0]] = _message(told, parcel, said[0])
            continue
        if parcel.key not in letters:
            letters[parcel.key] = _letter(context, told, parcel)
        drafts[said[0]] = _mail(parcel, said[0], letters[parcel.key])
    with context.sessions.begin() as session:
        fresh = digests.keep(session, marks, now)
        return deliveries.queue(session, [drafts[key] for key in sorted(fresh & set(drafts))], now)


def _marks(told: Told, parcel: Parcel, now: datetime) -> Iterator[Mark]:
    """What is kept of a recipient's day, that of the day's digest first."""
    one = parcel.owed.recipient
    day = now.astimezone(parcel.owed.expires_at.tzinfo).date()
    if parcel.reader is not None:
        held = told.digests.get(parcel.reader)
        said = held is None or parcel.owed.all_clear or not held.nothing
        after = parcel.reader.view.after
        yield Mark(one.key(day), one.name, "daily", day, after, parcel.until, said)
    if parcel.scope is not None:
        yield Mark(one.weekly_key(day), one.name, "weekly", day, 0, 0, said=True)


def _message(told: Told, parcel: Parcel, key: str) -> Draft:
    one, reader = parcel.owed.recipient, parcel.reader
    assert reader is not None  # noqa: S101 a webhook gets no summary
    return Draft(
        key,
        Channel.WEBHOOK,
        one.address,
        _only(reader),
        digest.message(told.morning, reader),
        office=one.office,
        expires_at=parcel.owed.expires_at,
    )


def _mail(parcel: Parcel, key: str, letter: Letter) -> Draft:
    one = parcel.owed.recipient
    return Draft(
        key,
        Channel.MAIL,
        one.address,
        _only(parcel.reader) if parcel.reader else None,
        {"subject": letter.subject, "text": letter.text, "html": letter.html},
        office=one.office,
        expires_at=parcel.owed.expires_at,
        attachments=tuple(
            Attachment(held.name, held.media_type, held.content, held.content_id)
            for held in letter.files
        ),
    )


def _only(reader: Reader) -> str | None:
    return reader.view.branches[0] if len(reader.view.branches) == 1 else None


def _letter(context: Context, told: Told, parcel: Parcel) -> Letter:
    """The mail of a recipient, drawn and written."""
    held = told.digests[parcel.reader] if parcel.reader else None
    if held is not None and held.nothing and not parcel.owed.all_clear:
        held = None  # only the summary is said
    week = told.weeks[parcel.scope] if parcel.scope else None
    language = parcel.owed.recipient.language
    mail = Mail(Speech(language), context.settings.public_url, held, week)
    tables = [held.table] if held and held.table.rows else []
    tables += [week.table] if week else []
    return mail.letter(
        drawn(context.easel, mail.charts), [_workbook(one, language) for one in tables]
    )


def _workbook(document: Document, language: str) -> File:
    return File(
        files.name(document, Format.XLSX),
        MEDIA_TYPES[Format.XLSX],
        None,
        xlsx.written(spoken(document, language), Speech(language)),
    )

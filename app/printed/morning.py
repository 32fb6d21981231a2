"""The morning digest in words: its subject and its blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from app.core.ladder import Told
from app.printed.bars import Bar, Picture
from app.printed.bars import Part as Colour
from app.printed.blocks import (
    Block,
    Chart,
    Grid,
    Item,
    Listing,
    Tile,
    Tiles,
    Title,
    Tone,
    Voice,
    Words,
)
from app.printed.saying import ZONE
from app.service.digest_document import Digest, Entry, Line, Part, Section

CHART = "ahead"
_SHORT = 70
_HEADINGS = {
    Part.APOLOGY_TODAY: "Send the apology and re-appointment today if the due date cannot be kept",
    Part.DUE_TODAY: "Due today",
    Part.DUE_TOMORROW: "Due on the next working day, {day}",
    Part.NEWLY_OVERDUE: "Newly overdue",
    Part.OVERDUE_REMINDED: "Now overdue by more than {days} working days",
    Part.OVERDUE_LONG: "Now overdue by more than {days} working days",
    Part.OVERDUE_VERY_LONG: "Now overdue by more than {days} working days",
    Part.HANDLING_OVER: "Was to be handled by now, and is as it was",
    Part.OVERDUE: "Overdue for longer",
    Part.UNVERIFIED: "Unverified: past due, but the branch has sent no newer data",
    Part.WAITING_TAX: "Waiting for the tax for more than {days} working days",
    Part.WAITING_CITIZEN: "Waiting for the citizen for more than {days} working days",
    Part.ACCEPTANCE_LATE: "Not accepted or refused in time",
    Part.SUPPLEMENT_NOTICE_LATE: "The time to ask for a supplement is over",
    Part.HAND_OVER_LATE: "Finished, and not handed over in time",
    Part.SHARE_USED: "{share} of the limit is used",
}
_TONES = {
    Part.APOLOGY_TODAY: Tone.TODAY,
    Part.DUE_TODAY: Tone.TODAY,
    Part.DUE_TOMORROW: Tone.CALM,
    Part.UNVERIFIED: Tone.DOUBT,
    Part.WAITING_TAX: Tone.DOUBT,
    Part.WAITING_CITIZEN: Tone.DOUBT,
    Part.SHARE_USED: Tone.CALM,
}
# Which list of a branch's page has the dossiers of a section.
_LISTS = {
    Part.APOLOGY_TODAY: "due_soon",
    Part.DUE_TODAY: "due_soon",
    Part.DUE_TOMORROW: "due_soon",
    Part.UNVERIFIED: "unverified",
    Part.WAITING_TAX: "waiting",
    Part.WAITING_CITIZEN: "suspended",
    Part.SHARE_USED: "open",
    Part.ACCEPTANCE_LATE: "submitted",
    Part.SUPPLEMENT_NOTICE_LATE: "open",
    Part.HAND_OVER_LATE: "finished",
}


@dataclass(frozen=True, slots=True)
class Teller:
    """Says one digest in one language, with links into the pages where their address is known."""

    digest: Digest
    say: Voice
    public_url: str | None

    def subject(self) -> str:
        """`Khu vực III 23/11: 3 newly overdue · 5 due today · 2 to apologise for`."""
        digest, say = self.digest, self.say
        overdue = digest.total.overdue
        newly, today = digest.count(Part.NEWLY_OVERDUE), digest.count(Part.DUE_TODAY)
        letters = digest.count(Part.APOLOGY_TODAY)
        told = [
            words
            for count, words in (
                (newly, say("{count} newly overdue", count=say.number(newly))),
                (today, say("{count} due today", count=say.number(today))),
                (letters, say("{count} to apologise for", count=say.number(letters))),
            )
            if count
        ]
        if not told and overdue:
            told = [say("{count} overdue", count=say.number(overdue))]
        if not told:
            told = [say("all clear") if digest.nothing else say("something to look after")]
        return f"{self.unit()} {digest.day:%d/%m}: {' · '.join(told)}"

    def unit(self) -> str:
        """Whom it is about, in short."""
        digest, say = self.digest, self.say
        if digest.whole:
            return say("Whole office")
        return digest.unit or say("{count} branches", count=len(digest.lines))

    def blocks(self) -> Iterator[Block]:
        """From what is to be done first to what is good to know."""
        yield self._title()
        yield self._tiles()
        if self.digest.nothing:
            yield Words(self.say("Nothing presses: nothing is overdue, nothing falls due today or "
                                 "on the next working day."))  # fmt: skip
        for section in self.digest.sections:
            yield self._listing(section)
        yield from self._warnings()
        yield from self._in_hand()
        yield from self._chart()
        yield from self._branches()

    def _title(self) -> Title:
        digest, say = self.digest, self.say
        day = f"{say.weekday(digest.day)} {say.day(digest.day)}"
        below = say("{day}, figures as of {time}", day=day, time=f"{digest.as_of:%H:%M}")
        named = digest.unit if digest.whole and digest.unit else self.unit()
        return Title(named, below[:1].upper() + below[1:])

    def _tiles(self) -> Tiles:
        total, say = self.digest.total, self.say
        rate = say("no data") if total.rate is None else say.percent(total.rate)
        on = f"{self.digest.yesterday:%d/%m}"
        tiles = (
            (total.overdue, say("overdue"), Tone.LATE),
            (total.due_today, say("due today"), Tone.TODAY),
            (total.due_soon, say("due soon, today included"), Tone.CALM),
        )
        return Tiles(
            [
                *(
                    Tile(say.number(count), words, tone if count else Tone.CALM)
                    for count, words, tone in tiles
                ),
                Tile(rate, say("on time of what ended on {day}", day=on), Tone.CALM),
            ]
        )

    def _warnings(self) -> Iterator[Words]:
        say = self.say
        for one in self.digest.silent:
            named = f"{one.branch} ({one.source})" if one.source else one.branch
            words = (
                say("{branch} has sent no data since {at}: its figures may be older than they "
                    "look.", branch=named, at=say.at(one.heard_at))
                if one.heard_at
                else say("{branch} has never sent any data.", branch=named)
            )  # fmt: skip
            yield Words(words, Tone.DOUBT)
        for held in self.digest.refused:
            yield Words(
                say("{branch}: {fresh} records refused since the last working day, {open} wait to "
                    "be mended.", branch=held.branch, fresh=say.number(held.fresh),
                    open=say.number(held.open)),
                Tone.DOUBT, self._link("/quarantine"), say("Refused records"),
            )  # fmt: skip
        for gap in self.digest.unconfirmed:
            told = say("The calendar from {day} on is not confirmed: due dates that fall there are "
                       "provisional.", day=say.day(gap.first))  # fmt: skip
            whose = f"{', '.join(gap.branches)}: " if gap.branches else ""
            link = self._link(f"/calendar?year={gap.first.year}")
            opened = say("Open the calendar of {year}", year=gap.first.year)
            yield Words(f"{whose}{told}", Tone.DOUBT, link, opened)

    def _listing(self, section: Section) -> Listing:
        say = self.say
        params = {
            "day": f"{self.digest.tomorrow:%d/%m}",
            "days": section.days,
            "share": "" if section.share is None else say.percent(section.share),
        }
        above, handled, more = section.above, section.handled, section.unnamed
        others = [
            words
            for count, words in (
                (above, say("{count} of them named above", count=say.number(above))),
                (handled, say("{count} already being handled", count=say.number(handled))),
                (more, say("and {count} more", count=say.number(more))),
            )
            if count > 0
        ]
        return Listing(
            say(_HEADINGS[section.part], **params),
            say.number(section.count),
            _TONES.get(section.part, Tone.LATE),
            [self._item(entry) for entry in section.entries],
            "; ".join(others),
            self._list(section.part) if more > 0 else None,
        )

    def _item(self, entry: Entry) -> Item:
        say = self.say
        beside = ""
        if entry.due_at is not None:
            beside = say("due {day}", day=due(entry.due_at, say))
        elif entry.since is not None:
            beside = say("since {day}", day=say.day(entry.since))
        below = shortened(entry.procedure or "")
        return Item(entry.code, self._link(f"/dossiers/{entry.code}"), beside, below)

    def _in_hand(self) -> Iterator[Listing]:
        digest, say = self.digest, self.say
        if digest.in_hand:
            items = [
                Item(one.code, self._link(f"/dossiers/{one.code}"),
                     say("{by}, until {at}", by=one.by, at=say.at(one.until_at)), "")
                for one in digest.handled
            ]  # fmt: skip
            more = digest.in_hand - len(items)
            yield Listing(
                say("Somebody is on it"), say.number(digest.in_hand), Tone.CALM, items,
                say("and {count} more", count=say.number(more)) if more else "",
            )  # fmt: skip

    def _chart(self) -> Iterator[Chart]:
        say, digest = self.say, self.digest
        if digest.told is Told.DEPARTMENT or not any(count for _, count in digest.ahead):
            return
        bars = tuple(
            Bar(self._day(on), (float(count),), ("",), say.number(count))
            for on, count in digest.ahead
        )
        title = say("Falls due on the next {count} working days", count=len(bars))
        sentence = "; ".join(f"{bar.name}: {bar.beside}" for bar in bars) + "."
        yield Chart(
            title, Picture(title, (Colour(title, "#5b9bd0", "#10202e"),), bars, sentence, ""), CHART
        )

    def _day(self, on: date) -> str:
        name = self.say.weekday(on)
        return f"{name[:1].upper()}{name[1:]} {on:%d/%m}"

    def _branches(self) -> Iterator[Grid]:
        digest, say = self.digest, self.say
        if len(digest.lines) > 1:
            yield Grid(
                say("By branch"),
                (
                    say("Branch"),
                    say("Overdue"),
                    say("Today"),
                    say("Due soon"),
                    say("On time on {day}", day=f"{digest.yesterday:%d/%m}"),
                ),
                [
                    (self._cells(line), self._link(f"/branches/{line.code}"))
                    for line in digest.lines
                ],
                (say("All branches"), *self._cells(digest.total)[1:]),
            )

    def _cells(self, line: Line) -> tuple[str, ...]:
        say = self.say
        rate = say("no data")
        if line.rate is not None:
            rate = (
                f"{say.percent(line.rate)} ({say.number(line.on_time)}/{say.number(line.judged)})"
            )
        counts = (line.overdue, line.due_today, line.due_soon)
        return (line.name, *map(say.number, counts), rate)

    def _link(self, path: str) -> str | None:
        return f"{self.public_url.rstrip('/')}{path}" if self.public_url else None

    def _list(self, part: Part) -> str | None:
        lines = self.digest.lines
        if len(lines) != 1:
            return self._link("/")
        return self._link(f"/branches/{lines[0].code}?list={_LISTS.get(part, 'overdue')}")


def due(at: datetime, say: Voice) -> str:
    """A due moment for people: 24:00 of a day is that day, any other has its hour."""
    local = at.astimezone(ZONE)
    if local.time() == time():
        return say.day(date.fromordinal(local.toordinal() - 1))
    return say.at(at)


def shortened(name: str) -> str:
    """The first words of a long name."""
    return name if len(name) <= _SHORT else f"{name[:_SHORT].rsplit(' ', 1)[0]} …"

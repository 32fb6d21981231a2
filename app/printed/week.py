"""The weekly summary in words: its subject and its blocks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.core.causes import Cause
from app.printed.bars import Bar, Part, Picture
from app.printed.blocks import Block, Chart, Grid, Tile, Tiles, Title, Tone, Voice, Words
from app.printed.morning import shortened
from app.service.week_document import WeekLine, Weekly

CHART = "week"
_MOST = 12
CAUSES: Mapping[str, str] = {
    Cause.STAFF: "the staff",
    Cause.TAX: "the tax office",
    Cause.COMMUNE_POSTING: "the public posting by the commune",
    Cause.MEASURING: "measuring",
    Cause.SYSTEM: "the system, or data in transit",
    Cause.APPLICANT: "the applicant",
    Cause.OTHER: "another cause",
}
"""What made a dossier late, in words."""


@dataclass(frozen=True, slots=True)
class Teller:
    """Says one week in one language, with links into the pages where their address is known."""

    weekly: Weekly
    say: Voice
    public_url: str | None

    def subject(self) -> str:
        """`Whole office, week 47: 92.1% on time (week before 90.0%)`."""
        return f"{self.unit()}, {self.in_short()}"

    def in_short(self) -> str:
        """`week 47: 92.1% on time (week before 90.0%)`."""
        say, total = self.say, self.weekly.total
        return say(
            "week {number}: {rate} on time (week before {before})",
            number=self.weekly.number,
            rate=self._rate(total.rate),
            before=self._rate(total.before),
        )

    def unit(self) -> str:
        """Whom it is about, in short."""
        weekly, say = self.weekly, self.say
        if weekly.whole:
            return say("Whole office")
        return weekly.unit or say("{count} branches", count=len(weekly.lines))

    def blocks(self) -> Iterator[Block]:
        """The figures of all, each branch, what went worst and why."""
        weekly, say = self.weekly, self.say
        days = say("From {first} to {last}", first=say.day(weekly.first), last=say.day(weekly.last))
        yield Title(say("The week before: week {number}", number=weekly.number), days)
        yield self._tiles()
        yield from self._chart()
        yield self._branches()
        if weekly.worst:
            yield Grid(
                say("Procedures with the most dossiers late"),
                (say("Procedure"), say("Ended late"), say("On time")),
                [
                    (
                        (
                            f"{one.code} {shortened(one.name or '')}".strip(),
                            say.number(one.late),
                            say.percent((one.judged - one.late) / one.judged),
                        ),
                        None,
                    )
                    for one in weekly.worst
                ],
            )
        if weekly.causes:
            rows = [
                ((_title(say(CAUSES[cause])), say.number(count)), None)
                for cause, count in weekly.causes
            ]
            yield Grid(say("Causes of lateness recorded"), (say("Cause"), say("Dossiers")), rows)
        link = f"{self.public_url.rstrip('/')}/reports/on-time" if self.public_url else None
        yield Words(
            say("By law: ended by a result, a refusal or a return; a withdrawal does not count."),
            link=link,
            link_words=say("Dossiers settled on time"),
        )

    def _tiles(self) -> Tiles:
        say, total = self.say, self.weekly.total
        letters = f"{say.number(total.apologies_sent)}/{say.number(total.apologies_owed)}"
        return Tiles(
            [
                Tile(self._rate(total.rate), say("on time"), Tone.CALM),
                Tile(self._rate(total.before), say("on time, week before"), Tone.CALM),
                Tile(say.number(total.received), say("received"), Tone.CALM),
                Tile(say.number(total.judged), say("ended"), Tone.CALM),
                Tile(
                    say.number(total.overdue),
                    say("overdue at the end of the week"),
                    Tone.LATE if total.overdue else Tone.CALM,
                ),
                Tile(letters, say("apologies sent, of those owed"), Tone.CALM),
            ]
        )

    def _chart(self) -> Iterator[Chart]:
        """The rate of each branch; of many, the lowest."""
        say = self.say
        rated = [line for line in self.weekly.lines if line.rate is not None]
        if len(rated) < 2:  # noqa: PLR2004 one bar compares with nothing
            return
        lowest = {line.code for line in sorted(rated, key=lambda one: one.rate or 0)[:_MOST]}
        bars = tuple(
            Bar(line.name, (line.rate or 0.0,), ("",), self._rate(line.rate))
            for line in rated
            if line.code in lowest
        )
        title = say("On time by branch")
        sentence = "; ".join(f"{bar.name}: {bar.beside}" for bar in bars) + "."
        picture = Picture(title, (Part(title, "#5b9bd0", "#10202e"),), bars, sentence, "")
        yield Chart(title, picture, CHART)

    def _branches(self) -> Grid:
        say, weekly = self.say, self.weekly
        several = len(weekly.lines) > 1
        received = say("received")
        return Grid(
            say("By branch"),
            (
                say("Branch"),
                say("On time"),
                say("Week before"),
                _title(received),
                say("Overdue"),
                say("Apologies"),
            ),
            [(self._cells(line), self._page(line)) for line in weekly.lines],
            (say("All branches"), *self._cells(weekly.total)[1:]) if several else None,
        )

    def _cells(self, line: WeekLine) -> tuple[str, ...]:
        say = self.say
        rate = self._rate(line.rate)
        if line.judged:
            rate = f"{rate} ({say.number(line.on_time)}/{say.number(line.judged)})"
        letters = f"{say.number(line.apologies_sent)}/{say.number(line.apologies_owed)}"
        return (
            line.name,
            rate,
            self._rate(line.before),
            say.number(line.received),
            say.number(line.overdue),
            letters,
        )

    def _page(self, line: WeekLine) -> str | None:
        return f"{self.public_url.rstrip('/')}/branches/{line.code}" if self.public_url else None

    def _rate(self, rate: float | None) -> str:
        return self.say("no data") if rate is None else self.say.percent(rate)


def _title(words: str) -> str:
    return words[:1].upper() + words[1:]

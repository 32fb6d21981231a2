"""How a branch handles what it has received: stops, the tax leg, the end, and being late."""

from random import Random
from typing import Final

from app.simulator.calendar import DAY, HOUR, WorkingDays
from app.simulator.course import Course, counting_day, due_day, gap_end, slip_day
from app.simulator.life import Life, Pause, Step
from app.simulator.plan import Place, Plan
from app.simulator.province import Terms

WITHDRAWN: Final = 0.02
REFUSED: Final = 0.03
SUPPLEMENTS: Final = (0.01, 0.13)
"""Two requests below the first, one below the second."""
GAMING: Final = {True: 0.3, False: 0.08}
"""Requests made on the due day, by late and by other branches."""
NEVER_BROUGHT: Final = 0.06
POSTED: Final = frozenset({"1.012785", "1.012786", "1.012781", "1.013978", "1.012753"})
POSTING: Final = 0.6
RARE: Final = (
    (0.002, "force_majeure", "Sự cố hệ thống, mất kết nối đường truyền"),
    (0.003, "violation_handling", "Xử lý vi phạm pháp luật về đất đai"),
    (0.0035, "expert_appraisal", "Trưng cầu giám định"),
)
TAXED: Final = frozenset({"1.013831", "1.012783", "1.013978", "1.012787", "1.013995"})
TAX: Final = 0.6
AS_STAGES: Final = 0.5
UNPAID: Final = 0.04
FIRST_STAGE_LATE: Final = 0.3
APOLOGISED: Final = 0.4
IN_TIME: Final = 0.6
MOVED: Final = 0.04
"""Of the late dossiers, those whose slip is quietly dated anew."""
WRONG_SLIP: Final = 0.5
NOT_HANDED_OVER: Final = 0.03
HAND_OVER: Final = (0.45, 0.75, 0.9)
"""On the same day, the next, the one after; else on the third."""
LAST_REQUEST: Final = 24_000
"""Office second after which nobody asks for papers or brings them."""

MISSING: Final = (
    "Thiếu bản sao giấy tờ nhân thân của bên nhận chuyển quyền",
    "Tờ khai thuế chưa đúng mẫu",
    "Thiếu mảnh trích đo bản đồ địa chính",
    "Hợp đồng chưa có công chứng, chứng thực",
    "Thiếu văn bản thỏa thuận của các thành viên có chung quyền",
)
REASONS: Final = (
    "Hồ sơ nhiều, chưa thẩm định kịp",
    "Chờ kết quả đo đạc",
    "Chờ ý kiến của Ủy ban nhân dân cấp xã",
    "Lỗi kết nối phần mềm liên thông thuế",
)
ONE_STOP: Final = "Trung tâm Phục vụ hành chính công"


class Handling:
    """The course of one received dossier; `run` draws it to the end."""

    def __init__(self, plan: Plan, place: Place, life: Life, terms: Terms, rng: Random) -> None:
        self.plan, self.place, self.life, self.terms, self.rng = plan, place, life, terms, rng
        self.days: WorkingDays = plan.days
        start = place.working
        if terms.cutoff is not None and life.land_office is not None:
            start = self.days.working(life.land_office)  # whose clock it is: NĐ 99/2022 Đ16 k2
        first = terms.stages[0] if terms.stages else terms
        counted = counting_day(start, first)
        self.course = Course(place.working, counted, due_day(self.days, counted, first))
        self.first_due = self.course.due

    def run(self) -> None:
        """Draw what happens, from the slip to the hand-over."""
        chance = self.rng.random
        self._promise(self.place.working, wrong=chance() < WRONG_SLIP)
        lot, late = chance(), chance() >= self.place.office.punctuality
        if lot < WITHDRAWN:
            self._withdraw()
        elif lot < WITHDRAWN + REFUSED:
            self.life.outcome = "refused"
            self._finish(late=late)
        else:
            self._work(late=late)
        self._steps()

    def _work(self, *, late: bool) -> None:
        chance = self.rng.random
        self._stops()
        procedure = self.life.procedure[:8]
        if not self.terms.stages and (procedure not in TAXED or chance() >= TAX):
            self._finish(late=late)
            return
        first = late and chance() < FIRST_STAGE_LATE
        end = self._reach(late=first)
        gap = 3 + int(chance() * 27) if chance() >= UNPAID else 60 + int(chance() * 200)
        proof = gap_end(self.days, end, gap, int(chance() * LAST_REQUEST))
        self._tax(end, proof)
        self._finish(late=late and not first)

    def _stops(self) -> None:
        """Put in what stops the clock, one after another."""
        chance = self.rng.random
        if self.life.procedure[:8] in POSTED and chance() < POSTING:
            ground = "Niêm yết công khai tại Ủy ban nhân dân cấp xã"
            self._stop("public_posting", ground, self._soon(), 11 + int(chance() * 10))
        lot = chance()
        for bound, reason, ground in RARE:
            if lot < bound:
                self._stop(reason, ground, self._soon(), 1 + int(chance() * 5))
                break
        lot = chance()
        for bound in SUPPLEMENTS:
            if lot < bound:
                gaming = chance() < GAMING[self.place.office.punctuality < 0.9]  # noqa: PLR2004
                day = self.course.due if gaming else self._soon()
                brought = chance() >= NEVER_BROUGHT
                wait = 1 + int(self.rng.expovariate(1 / 6)) if brought else 60 + int(chance() * 90)
                self._stop("supplement", MISSING[int(chance() * len(MISSING))], day, wait)

    def _soon(self) -> int:
        """Return a day within the three that a request may take, and not after the due day."""
        return min(self.course.due, self.course.at // DAY + int(self.rng.random() * 4))

    def _stop(self, reason: str, ground: str, day: int, wait: int) -> None:
        chance = self.rng.random
        course = self.course
        since = max(course.at + 600, day * DAY + int(chance() * LAST_REQUEST))
        if since // DAY > course.due:
            return
        until = (since // DAY + wait) * DAY + int(chance() * LAST_REQUEST)
        course.at = since
        course.pause(until)
        since, until = self.days.instant(since), self.days.instant(until)
        self.life.suspensions.append(Pause(reason, since, until, ground))
        self._promise(course.at)

    def _tax(self, sent: int, proof: int) -> None:
        """Send the tax slip and wait for the proof: told as stages, or as a suspension."""
        life, course = self.life, self.course
        course.at = sent
        course.pause(proof)
        sent_at, proof_at = self.days.instant(sent), self.days.instant(proof)
        if self.terms.stages:
            course.due = due_day(self.days, proof // DAY, self.terms.stages[1])
        if self.terms.stages and self.rng.random() < AS_STAGES:
            start = self.days.instant(self.place.working)
            life.stages = [(start, sent_at), (proof_at, None)]
        else:
            ground = "Chờ người sử dụng đất hoàn thành nghĩa vụ tài chính"
            life.suspensions.append(Pause("financial_obligation", sent_at, proof_at, ground))
        self._promise(proof)

    def _reach(self, *, late: bool) -> int:
        """Return the working second of the appointment's end, its apology written if late."""
        before, end = self.course.at, self.course.end(self.rng, late=late)
        if late:
            self._apologise(before, end)
        return end

    def _finish(self, *, late: bool) -> None:
        life, chance = self.life, self.rng.random
        end = self._reach(late=late)
        life.finished = life.ended = self.days.instant(end)
        if life.stages:
            life.stages[-1] = (life.stages[-1][0], life.ended)
        if chance() < NOT_HANDED_OVER:
            return
        lot = chance()
        wait = sum(lot >= bound for bound in HAND_OVER)
        later = (end // DAY + wait) * DAY + int(chance() * DAY)
        life.handed_over = self.days.instant(max(later, end + 120 + int(chance() * HOUR)))

    def _withdraw(self) -> None:
        life, course = self.life, self.course
        end = course.end(self.rng, late=False)
        life.ended, life.outcome = self.days.instant(end), "withdrawn"
        if self.terms.stages and self.rng.random() < AS_STAGES:
            life.stages = [(self.days.instant(self.place.working), None)]

    def _apologise(self, before: int, end: int) -> None:
        """Write to the applicant, a day before the due day or after it, or re-date the slip."""
        chance, due = self.rng.random, self.course.due
        lot = chance()
        ahead = due - 1 > before // DAY and chance() < IN_TIME
        day = due - 1 if ahead else min(due + int(chance() * 3), end // DAY - 1)
        sent = day * DAY + int(chance() * DAY)
        if not before < sent < end:
            return
        anew = self.days.closing(max(day, due) + 2 + int(chance() * 6))
        if lot < APOLOGISED:
            reason = REASONS[int(chance() * len(REASONS))]
            self.life.apologies.append((self.days.instant(sent), reason, anew))
        elif lot < APOLOGISED + MOVED:
            self.life.promises.append((self.days.instant(sent), anew))

    def _promise(self, at: int, *, wrong: bool = False) -> None:
        """Print a slip; a wrong one knows of no Saturday worked in exchange."""
        made, due = self.days.instant(at), self.course.due
        promised, left = self.days.closing(due), due - at // DAY
        if wrong and left:
            promised = self.plan.slips.closing(slip_day(self.plan.slips, made, left))
        self.life.promises.append((made, promised))

    def _steps(self) -> None:
        """List the two steps: taking in, and the work up to the signature."""
        life, rng, working = self.life, self.rng, self.place.working
        officers = self.place.office.officers
        start = self.days.instant(working)
        passed = self.days.instant(working + 600 + int(rng.random() * 3 * HOUR))
        if life.ended is not None:
            passed = min(passed, life.ended)
        clerk, expert = (officers[int(rng.random() * len(officers))] for _ in range(2))
        due = self.days.instant(working + DAY // 2)
        life.steps = [
            Step("Tiếp nhận và chuyển hồ sơ", ONE_STOP, clerk, start, due, passed),
            Step(
                "Thẩm định, trình ký",
                self.place.office.branch.name,
                expert,
                passed,
                self.days.closing(self.first_due),
                life.finished,
            ),
        ]

"""The page of alerts: what still is so, in Vietnamese, and a form to say that one is on it."""

from app.db.engine import Sessions
from tests.web.browser import Open
from tests.web.test_alerts import OLD, listed, swept
from tests.web.wire import BRANCH, OTHER, Api, code, finished


def test_what_presses_is_shown_until_it_is_done(sender: Api, browse: Open, sessions: Sessions):
    sender.batch([OLD])
    swept(sessions, "2026-11-20 08:00")
    page = browse().read("/alerts")

    assert code(1) in page
    assert "Quá hạn 3 ngày làm việc" in page
    sender.batch([finished(1, "2026-11-20", received_at=OLD["received_at"])])
    assert code(1) not in browse(login="second").read("/alerts")
    assert "không còn đúng" in browse(login="third").read("/alerts?every=true")


def test_a_director_says_to_be_on_it(sender: Api, browse: Open, sessions: Sessions):
    sender.batch([OLD])
    swept(sessions, "2026-11-20 08:00")
    (one,) = listed(sender)["items"]
    director = browse("director", branches=[BRANCH])

    answer = director.send(f"/alerts/{one['id']}", until="2026-11-23", note="Chờ trích đo")

    assert (answer.status_code, answer.headers["location"]) == (303, f"/alerts?#a{one['id']}")
    assert "director đến 23:59 23/11/2026" in director.read("/alerts")
    assert "Chờ trích đo" in director.read(f"/alerts?level=overdue_reminded&branch={BRANCH}")
    assert director.send(f"/alerts/{one['id']}", until="khi nào xong").status_code == 422
    assert director.send(f"/alerts/{one['id']}", until="2020-01-01").status_code == 422


def test_a_director_of_another_branch_sees_and_takes_nothing(
    sender: Api, browse: Open, sessions: Sessions
):
    sender.batch([OLD])
    swept(sessions, "2026-11-20 08:00")
    (one,) = listed(sender)["items"]
    stranger = browse("director", branches=[OTHER])

    assert "Không có việc gì gấp" in stranger.read("/alerts")
    assert stranger.send(f"/alerts/{one['id']}", until="2026-11-23").status_code == 404


def test_the_department_sees_all_and_takes_nothing(sender: Api, browse: Open, sessions: Sessions):
    sender.batch([OLD])
    swept(sessions, "2026-11-20 08:00")
    (one,) = listed(sender)["items"]
    department = browse("department")

    page = department.read("/alerts")
    assert code(1) in page
    assert "Tôi nhận xử lý" not in page
    assert department.send(f"/alerts/{one['id']}", until="2026-11-23").status_code == 403

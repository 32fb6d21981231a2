"""What is wrong, in words with figures."""

from app.core.problems import Problem


def test_a_problem_says_its_sentence_with_its_figures():
    problem = Problem("status", "status {status} says it ended", {"status": 7})

    assert problem.detail == "status 7 says it ended"
    assert Problem("week", "give seven days").detail == "give seven days"

"""What must never happen, tried for long: programs beside the suite that anyone can run.

`make chaos` runs all of them. Each makes databases of its own, on an embedded PostgreSQL in a
temporary folder or on the server given with `--database`, and drops them when it ends. Each prints
what it did and a verdict; its exit status is 0 only if everything held.

* `python -m tests.chaos.kill_intake` kills the server, its intake processes and the database's
  connections at random moments of a load, restarts and sends again.
* `python -m tests.chaos.eight_clients` lets eight clients send overlapping sets at once.
* `python -m tests.chaos.a_year` simulates a year of alerts and mails in minutes, and reckons every
  one of them a second time.
* `python -m tests.chaos.kill_time` kills and stops schedulers, their database and the receivers of
  what they say, and looks whether all of it was said.
* `python -m tests.chaos.bombs` sends what should burst memory, time or patience.
"""

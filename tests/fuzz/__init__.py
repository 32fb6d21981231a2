"""Records and bodies that no sound sender would send, by the hundred thousand.

`python -m tests.fuzz [--records 100000] [--seed 1] [--database URL]` sends them to a real server;
`tests/web/test_fuzz.py` is the same in small. A run is told by its seed.
"""

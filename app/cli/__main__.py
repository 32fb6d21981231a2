"""`python -m app.cli`."""

from app import logs
from app.cli import main

if __name__ == "__main__":  # a process of the intake crew imports us as well
    logs.configure(as_json=False)
    main()

"""`python -m app.cli`."""

from app import logs
from app.cli import main

logs.configure(as_json=False)
main()

"""One piece of work in one transaction: load, decide, save."""

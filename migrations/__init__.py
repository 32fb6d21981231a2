"""Alembic migrations, numbered, one head. They import `app.db.tables` only to compare."""

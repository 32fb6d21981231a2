"""What all tables share: names of constraints, and the types columns are made of."""

from sqlalchemy import DateTime, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Code = Text(collation="C")
"""A code people type, in byte order: one collation everywhere, and the order rows are saved in."""

Instant = DateTime(timezone=True)
Json = JSONB(none_as_null=True)

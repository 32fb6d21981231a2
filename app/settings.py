"""Settings, read once by a front door and handed on. Environment prefix `DUNGHAN_`."""

import os
from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.outbound.addresses import Reach


class Settings(BaseSettings):
    """Everything an operator may set; each has a default that works at a desk."""

    model_config = SettingsConfigDict(
        env_prefix="DUNGHAN_",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
    )

    database_url: str | None = Field(
        default=None, description="PostgreSQL 18; none starts the embedded one under `home`"
    )
    home: Path = Field(
        default=Path("var"), description="data of the embedded database and the demo"
    )
    host: str = Field(default="127.0.0.1", description="address the web server listens on")
    port: int = Field(
        default=8000,
        ge=1,
        le=65_535,
        description="port the web server listens on",
        validation_alias=AliasChoices("DUNGHAN_PORT", "PORT"),
    )
    public_url: str | None = Field(
        default=None, description="address people reach the pages at; links in mails begin with it"
    )
    mail_url: str | None = Field(
        default=None,
        description="smtp://user:password@host:port, smtps://…; none writes mails as files "
        "into `home`/outbox",
    )
    mail_from: str = Field(default="Đúng Hạn <dunghan@localhost>", description="sender of mails")
    silence_days: int = Field(
        default=3,
        ge=1,
        description="working days of silence of a branch after which its unverified dossiers are "
        "overdue (no law; ours)",
    )
    soon_days: int = Field(
        default=2, ge=1, description="working days before the due day that count as due soon (ours)"
    )
    tax_wait_days: int = Field(
        default=10,
        ge=1,
        description="working days at the tax office after which a digest lists a dossier as "
        "waiting too long (a notice is owed within 5 to 7, NĐ 126/2020 Đ13 k6, then it is to be "
        "paid; ours)",
    )
    citizen_wait_days: int = Field(
        default=20,
        ge=1,
        description="working days a supplement may take before a digest lists the dossier as "
        "waiting too long (no law; ours)",
    )
    session_hours: int = Field(default=10, ge=1, description="how long a sign-in lasts")
    token_minutes: int = Field(default=60, ge=1, description="how long an access token lasts")
    intake_processes: int = Field(
        default_factory=lambda: min(4, os.cpu_count() or 1),
        ge=0,
        le=32,
        description="processes that take in long uploads beside the web server; "
        "0: it does so itself",
    )
    allow_private_webhooks: bool = Field(
        default=False, description="let webhooks reach private addresses (a test receiver)"
    )
    pull_reach: Reach = Field(
        default=Reach.PRIVATE,
        description="addresses a pull may ask: public, private (networks of organisations too, "
        "where one-stop-shops live, but not this machine), any",
    )
    pull_ca: Path | None = Field(
        default=None, description="certificates (PEM) pulls trust besides the public ones"
    )
    letters: Path | None = Field(
        default=None, description="folder with your own mau-04.docx, the template of the letters"
    )
    log_json: bool = Field(default=False, description="logs as JSON lines instead of for reading")

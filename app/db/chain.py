"""The chain of a dossier's revisions: each head is made of the one before and of what was added."""


def link(
    *,
    head: str,
    content_hash: str,
    code: str,
    revision_no: str,
    at: str,
    by: str,
    source: str,
    why: str,
    updated_at: str,
    old_due_on: str,
    new_due_on: str,
) -> str:
    """The head after a revision, as an expression of SQL; `head` is the one before it, or `''`.

    What a revision says of the facts is in `content_hash`. Days and instants go in as numbers,
    which no setting of a session writes otherwise, and all as JSON, in which no text can pass for
    two.
    """
    said = ", ".join(
        (
            code,
            revision_no,
            f"extract(epoch FROM {at})",
            by,
            source,
            why,
            f"extract(epoch FROM {updated_at})",
            f"{old_due_on} - DATE '2000-01-01'",
            f"{new_due_on} - DATE '2000-01-01'",
        )
    )
    return (
        f"sha256({head} || {content_hash} || convert_to(jsonb_build_array({said})::text, 'UTF8'))"
    )

"""Whether what an alert said still is so: read again by whoever tells it, never remembered."""


def still_so(alert: str, dossier: str, otherwise: str) -> str:
    """SQL that is true while an alert of a dossier's clock still is so; null counts as no.

    `alert` and `dossier` are the names of the two rows in the statement (the dossier may be
    missing); `otherwise` says what holds for alerts that are of no dossier.
    """
    return f"""CASE {alert}.kind
    WHEN 'limit' THEN {dossier}.state = 'running' AND {dossier}.due_at = {alert}.due_at
    WHEN 'acceptance' THEN {dossier}.state = 'submitted'
    WHEN 'supplement_notice' THEN {dossier}.state NOT IN ('finished', 'closed')
    WHEN 'hand_over' THEN {dossier}.state = 'finished' AND {dossier}.handed_over_at IS NULL
    ELSE {otherwise} END"""

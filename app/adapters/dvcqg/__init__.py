"""The national portal's sync calls, DongBoHoSoMC and CapNhatTienDoHoSoMC, as provinces send them.

`telling` reads a dossier, `progress` a line of its progress, `pauses` infers what only statuses
tell, `records` makes native records of it all, `faults` names what is wrong in the portal's words.
The calls carry no stamps and no history: what is known of a dossier is a `Held`, which the caller
keeps.
"""

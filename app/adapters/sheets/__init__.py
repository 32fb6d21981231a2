"""How a clerk writes a dossier: a row of a sheet, with a heading over each cell."""

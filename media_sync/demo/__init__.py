"""The demo catalogue: spreadsheets and drawn pictures, loaded by the import and the sync themselves."""

from catalog.management.commands._import_command import ImportCommand


class Command(ImportCommand):
    help = "Import appearances of items in films and series from a spreadsheet (CSV, XLSX, ODS). docs/importing.md says what may stand in it."
    target = "appearance"
    examples = """  manage.py import_appearances appearances.csv --dry-run
  manage.py import_appearances appearances.csv --on-error=abort"""

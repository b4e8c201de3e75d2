from catalog.management.commands._import_command import ImportCommand


class Command(ImportCommand):
    help = "Import films and series from a spreadsheet (CSV, XLSX, ODS). docs/importing.md says what may stand in it."
    target = "production"
    examples = """  manage.py import_productions films.xlsx --dry-run
  manage.py import_productions films.csv --on-error=abort --json"""

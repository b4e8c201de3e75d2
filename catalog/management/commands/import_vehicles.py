from catalog.management.commands._import_command import ImportCommand


class Command(ImportCommand):
    help = "Import vehicles from a spreadsheet (CSV, XLSX, ODS). docs/importing.md says what may stand in it."
    target = "vehicle"
    examples = """  manage.py import_vehicles stock.xlsx --dry-run
  manage.py import_vehicles stock.csv --on-error=abort --json"""

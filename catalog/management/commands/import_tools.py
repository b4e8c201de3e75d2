from catalog.management.commands._import_command import ImportCommand


class Command(ImportCommand):
    help = "Import tools from a spreadsheet (CSV, XLSX, ODS). docs/importing.md says what may stand in it."
    target = "tool"
    examples = """  manage.py import_tools stock.xlsx --dry-run
  manage.py import_tools stock.csv --on-error=abort --json"""

from catalog.management.commands._import_command import ImportCommand


class Command(ImportCommand):
    help = (
        "Import memorabilia from a spreadsheet (CSV, XLSX, ODS). docs/importing.md says what may stand in it."
    )
    target = "memorabilia"
    examples = """  manage.py import_memorabilia stock.xlsx --dry-run
  manage.py import_memorabilia stock.csv --on-error=abort --json"""

from catalog.imports.columns import WORKBOOK
from catalog.management.commands._import_command import ImportCommand


class Command(ImportCommand):
    help = (
        "Import a workbook (XLSX, ODS) with sheets Terms, Productions, Vehicles, Memorabilia, Tools, Appearances, Images"
        " as one run. docs/importing.md says what may stand in them."
    )
    target = WORKBOOK
    takes_mapping = False
    examples = """  manage.py import_workbook stock.xlsx --dry-run
  manage.py import_workbook stock.xlsx --on-error=abort --json"""

from catalog.management.commands._import_command import ImportCommand


class Command(ImportCommand):
    help = "Import vehicles from a spreadsheet (CSV, XLSX, ODS). docs/importing.md says what may stand in it."
    target = "vehicle"
    lists_stock = True
    examples = """  manage.py import_vehicles stock.xlsx --dry-run
  manage.py import_vehicles stock.csv --on-error=abort --json
  manage.py import_vehicles stock.csv --mapping=dealer.json --existing=update --max-rejected=100
  manage.py import_vehicles stock.csv --full-list --full-list-prefix=BERLIN- --dry-run
  manage.py import_vehicles stock.csv --full-list --full-list-prefix=BERLIN- --withdraw=3"""

from catalog.management.commands._import_command import ImportCommand


class Command(ImportCommand):
    help = "Import titles, order and items of media files from a spreadsheet (CSV, XLSX, ODS). docs/importing.md says what may stand in it."
    target = "image"
    examples = """  manage.py import_images media.csv --dry-run
  manage.py import_images media.csv --blank=clear"""

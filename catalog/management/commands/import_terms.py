from catalog.management.commands._import_command import ImportCommand


class Command(ImportCommand):
    help = "Import terms of the vocabularies from a spreadsheet (CSV, XLSX, ODS). docs/importing.md says what may stand in it."
    target = "term"
    examples = """  manage.py import_terms genres.csv --dry-run
  manage.py import_terms genres.csv --existing=add"""

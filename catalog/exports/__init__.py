"""Rows of the catalogue as files that imports read back without a change (docs/importing.md)."""

from catalog.exports.files import FORMATS, FileFormat, file_of
from catalog.exports.rows import EXPORTS, Export, ExportRefused, prepare

__all__ = ["EXPORTS", "FORMATS", "Export", "ExportRefused", "FileFormat", "file_of", "prepare"]

"""What stops an import as a whole."""


class ImportRefused(Exception):
    """The file cannot be imported at all; the message is one sentence for whoever brought it."""

"""What stops an import as a whole."""


class ImportRefused(Exception):
    """The file cannot be imported at all; the message is one sentence for whoever brought it."""


class MovedOn(ImportRefused):
    """The catalogue is not any more what the preview was made of; the run has to be looked at again."""


class Overtaken(Exception):
    """Somebody wrote a row in the very moment in which an import was about to; the import may not land."""

"""What stops an import as a whole."""


class ImportRefused(Exception):
    """The file cannot be imported at all; the message is one sentence for whoever brought it."""


class MovedOn(ImportRefused):
    """The catalogue is not any more what the preview was made of; the run has to be looked at again."""

"""Why an upload does not go on, each in one sentence for the person who sends the file."""


class UploadRefused(Exception):
    """The upload cannot begin, or go on; `field` names the part of the request that is at fault.

    `fits` is false where that part could be right by itself, and does not go with another, or with what was announced.
    """

    def __init__(self, field: str, sentence: str, *, fits: bool = True) -> None:
        super().__init__(sentence)
        self.field, self.fits = field, fits


class NotArrived(Exception):
    """The file, or some of its parts, has not arrived yet: nothing is lost, send it and ask again."""


class ContentRefused(Exception):
    """What arrived is not accepted."""

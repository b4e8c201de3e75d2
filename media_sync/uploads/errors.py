"""Why an upload does not go on, each in one sentence for the person who sends the file."""


class UploadRefused(Exception):
    """The upload cannot begin; `field` names the part of the request that is at fault."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class NotArrived(Exception):
    """The file, or some of its parts, has not arrived yet: nothing is lost, send it and ask again."""


class ContentRefused(Exception):
    """What arrived is not accepted."""

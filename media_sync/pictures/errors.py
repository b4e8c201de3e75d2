"""Why a picture is not read. No Django here: the child imports this, too."""


class PictureRefused(Exception):
    """The content is not accepted; the message is one sentence for staff. The same content is refused again."""


class ReaderUnavailable(Exception):
    """This machine cannot read pictures now, which says nothing about the picture: try again later."""


class ReaderBusy(ReaderUnavailable):
    """This machine was too busy to give the child its time; another picture may be luckier."""

"""What does not arrive, each in one sentence for the person who brought it."""


class FileRefused(Exception):
    """One file is not taken; the others go on."""


class ArrivalRefused(Exception):
    """Nothing can be taken at all: there is no such folder, the archive is damaged, the bucket is another."""

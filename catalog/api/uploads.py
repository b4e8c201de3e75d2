"""Files that are sent to the API."""

from http import HTTPStatus
from typing import Any

from rest_framework.exceptions import APIException
from rest_framework.parsers import MultiPartParser

from catalog.imports.life.files import MAX_BYTES

FORM_BYTES = 1024 * 1024  # what a form may hold beside its file, as any other body


class TooLarge(APIException):
    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_detail = f"The file is too large; an import takes up to {MAX_BYTES // 2**20} MiB."


class UploadParser(MultiPartParser):
    """Reads a form with a file; what is too large is refused before its body is read."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        if int(parser_context["request"].META.get("CONTENT_LENGTH") or 0) > MAX_BYTES + FORM_BYTES:
            raise TooLarge
        return super().parse(stream, media_type, parser_context)

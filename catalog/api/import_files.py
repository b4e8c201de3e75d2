"""What imports give as files: what was brought, the rejected rows to be mended, and the template workbook."""

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from catalog.api.imports import ImportViewSet, refusals
from catalog.api.staff import FileNegotiation, download, read_parameters
from catalog.imports.pages import original, rejected
from catalog.template_workbook import template_workbook
from catalog.writers import xlsx
from marketplace.parameters import ParameterType, WholeNumber
from marketplace.problems import refuse_unknown_parameters

SHEET: dict[str, ParameterType] = {"sheet": WholeNumber()}


@extend_schema(tags=["imports"])
class ImportFileViewSet(ImportViewSet):
    """Answers that are files."""

    content_negotiation_class = FileNegotiation

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "sheet", SHEET["sheet"].schema, description="Of this sheet only, by its position."
            )
        ],
        responses={(200, "*/*"): OpenApiTypes.BINARY},
    )
    def rejected(self, request: Request, pk: int) -> HttpResponseBase:
        """The rejected rows in the layout of the file that was brought, with a column of errors: mend it, send it again."""
        given = read_parameters(request, SHEET)
        run = self.judged(pk)
        with refusals():
            file = rejected.rejected_file(run, self.sheet(run, given["sheet"]) if given else None)
        return download(file.name, file.content_type, file.chunks)

    @extend_schema(responses={(200, original.CONTENT_TYPE): OpenApiTypes.BINARY})
    def original(self, request: Request, pk: int) -> HttpResponseBase:
        """The file that was brought, byte for byte, for 90 days after the import has ended. Each download is put on record."""
        refuse_unknown_parameters(request)
        run = self.run(pk)
        with refusals():
            file = original.original_file(run, by=self.account())
        return download(file.name, file.content_type, file.chunks, size=run.file_size)

    @extend_schema(responses={(200, xlsx.MEDIA_TYPE): OpenApiTypes.BINARY})
    def template(self, request: Request) -> HttpResponseBase:
        """A workbook with a sheet for each thing that can be imported, and drop-downs for the vocabularies."""
        refuse_unknown_parameters(request)
        return download("template.xlsx", xlsx.MEDIA_TYPE, [template_workbook()])

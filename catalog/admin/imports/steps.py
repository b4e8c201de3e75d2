"""The steps of a run: each is one address, takes its right before it is called, and leads back to the run's page.

What may be done with a run where it stands is for `catalog.imports.life.runs` to say; its refusals become messages.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils.http import content_disposition_header

from accounts.models import User
from catalog.admin.imports.columns_form import SheetColumns
from catalog.admin.imports.columns_rows import grown
from catalog.admin.imports.pages import address, number, page_context, progress_context, undo_context
from catalog.imports.columns import TARGETS
from catalog.imports.errors import ImportRefused
from catalog.imports.life import runs
from catalog.imports.pages.original import original_file
from catalog.imports.pages.rejected import RunFile, rejected_file
from catalog.models import WAITING, WORKING, ImportRun, ImportSheet, ImportState


@contextmanager
def told(request: HttpRequest) -> Iterator[None]:
    """Show as a message why a step was refused; a run that the person may not touch answers as none."""
    try:
        yield
    except runs.RunRefused as refusal:
        messages.error(request, str(refusal))


def progress(request: HttpRequest, run: ImportRun) -> HttpResponse:
    """Answer the page's question how far the run is; once it waits or has ended, the page loads itself anew."""
    if request.method == "POST":
        return HttpResponseNotAllowed(["GET"])
    answer = render(request, "admin/catalog/importrun/progress.html", progress_context(run))
    if run.state not in WORKING:
        answer["HX-Refresh"] = "true"
    return answer


def columns(request: HttpRequest, run: ImportRun) -> HttpResponse:
    """Take what the columns mean, or show the form again with what is wrong beside its fields."""
    if request.method != "POST":
        return HttpResponseRedirect(address(run))
    longer = request.POST.get("more", "")  # the list of rows that shall be longer
    sent = grown(request.POST, longer) if longer else request.POST
    forms = [SheetColumns(sheet, sent) for sheet in run.sheets.order_by("position")]
    refused = [form for form in forms if not form.is_valid()]  # each of them is judged
    if (refused or longer) and run.state in WAITING:
        context = {
            **admin.site.each_context(request),
            **page_context(request, run),
            "title": run.file_name,
            "opts": run._meta,
            "sheet_forms": forms,
        }
        return TemplateResponse(request, "admin/catalog/importrun/page.html", context)
    with told(request):
        runs.give_mapping(
            run,
            mappings={form.sheet.position: form.mapping for form in forms},
            remember="remember" in request.POST,
            by=_person(request),
        )
    return HttpResponseRedirect(address(run))


def leave_out(request: HttpRequest, run: ImportRun) -> HttpResponse:
    """Leave the ticked rows out, or take them back; lead to the page of rows where they were ticked."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    lines = [line for text in request.POST.getlist("line") if (line := number(text)) is not None]
    sheet, back = _sheet(request, run).position, request.POST.get("do") == "take_back"
    if not lines:
        messages.warning(request, "Tick the rows first.")
    elif back:
        with told(request):
            runs.leave_out(run, sheet=sheet, take_back=lines, by=_person(request))
    else:
        with told(request):
            runs.leave_out(run, sheet=sheet, lines=lines, by=_person(request))
    query = {name: value for name in ("sheet", "outcome", "page") if (value := request.GET.get(name))}
    return HttpResponseRedirect(address(run, **query))


def leave_out_columns(request: HttpRequest, run: ImportRun) -> HttpResponse:
    """Leave the columns without a tick out; the rows are judged again."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    sheet = _sheet(request, run)
    ticked = set(request.POST.getlist("column"))
    offered = request.POST.getlist("offered")
    known = TARGETS[sheet.target].by_name
    with told(request):
        left_out = [name for name in offered if name in known and name not in ticked]
        runs.leave_out(run, sheet=sheet.position, columns=left_out, by=_person(request))
    return HttpResponseRedirect(address(run, sheet=sheet.position))


def confirm(request: HttpRequest, run: ImportRun) -> HttpResponse:
    """Let the run land; what a full list withdraws must have been typed in as a number."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    with told(request):
        runs.confirm(run, by=_person(request), withdraw=_typed_number(request.POST.get("withdraw", "")))
    return HttpResponseRedirect(address(run))


def cancel(request: HttpRequest, run: ImportRun) -> HttpResponse:
    """Stop the run; nothing of it lands."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    with told(request):
        runs.cancel(run, by=_person(request))
    return HttpResponseRedirect(address(run))


def undo(request: HttpRequest, run: ImportRun) -> HttpResponse:
    """Ask, with what was edited since; then take the run back."""
    if run.state != ImportState.DONE:
        messages.error(request, "Only an import that has landed, and is not undone yet, can be undone.")
        return HttpResponseRedirect(address(run))
    if request.method == "POST":
        with told(request):
            runs.undo(run, by=_person(request), force="force" in request.POST)
        return HttpResponseRedirect(address(run))
    context = {
        **admin.site.each_context(request),
        **undo_context(request, run),
        "title": run.file_name,
        "opts": run._meta,
    }
    return TemplateResponse(request, "admin/catalog/importrun/undo.html", context)


def rejected(request: HttpRequest, run: ImportRun) -> HttpResponseBase:
    """Stream the rejected rows in the file's own layout, with a column that says what is wrong."""
    if not (run.has_landed or request.user.has_perm("catalog.preview_importrun")):
        raise PermissionDenied
    return _sent(request, run, rejected_file)


def original(request: HttpRequest, run: ImportRun) -> HttpResponseBase:
    """Stream the file that was brought; whoever sees the run may have it."""
    return _sent(request, run, partial(original_file, by=_person(request)))


def _sent(request: HttpRequest, run: ImportRun, make: Callable[[ImportRun], RunFile]) -> HttpResponseBase:
    """Stream a file of the run; lead back to its page, with a message, where there is none."""
    try:
        file = make(run)
    except ImportRefused as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(address(run))
    disposition = content_disposition_header(as_attachment=True, filename=file.name)
    return StreamingHttpResponse(
        file.chunks, content_type=file.content_type, headers={"Content-Disposition": str(disposition)}
    )


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)  # the admin lets nobody else in


def _sheet(request: HttpRequest, run: ImportRun) -> ImportSheet:
    """Return the sheet that a form names."""
    position = number(request.POST.get("sheet"))
    sheet = None if position is None else run.sheets.filter(position=position).first()
    if sheet is None:
        raise Http404
    return sheet


def _typed_number(text: str) -> int | None:
    """Return the number that a person typed, with or without marks between thousands; None for anything else."""
    return number(text.strip().replace(",", "").replace(" ", ""))

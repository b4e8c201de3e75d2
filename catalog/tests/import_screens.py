"""What tests of the import screens share: people, and the steps of an import as a browser takes them."""

from pathlib import Path
from typing import Any

from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.tests.factories import UserFactory
from catalog.imports.life import work
from catalog.models import ImportRun, ImportState

POLICIES = {"on_error": "skip", "existing": "both", "blank": "keep", "terms": "create", "max_withdrawn": "5"}
STOCK = "reference,name,make,price\nA-1,Aston Martin DB5,Aston Martin,1250000\nA-2,Lotus Esprit,Lotus,90000\n"
IMPORTS = ("add_importrun", "preview_importrun", "confirm_importrun", "undo_importrun", "view_importrun")
VEHICLES = ("view_vehicle", "add_vehicle", "change_vehicle", "add_term")
BY_STATE = {
    ImportState.QUEUED: work.read_now,
    ImportState.CONFIRMED: work.land_now,
    ImportState.UNDOING: work.undo_now,
}


def person(*rights: str) -> User:
    """Make a member of staff with these rights."""
    user: User = UserFactory.create(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def importer(*more: str) -> Client:
    """Return the browser of somebody new who may import vehicles."""
    return signed_in(person(*IMPORTS, *VEHICLES, *more))


def upload(
    client: Client, content: str | bytes | Path = STOCK, name: str = "stock.csv", **fields: Any
) -> Any:
    """Send the form of the button Import of vehicles."""
    if isinstance(content, Path):
        name, content = content.name, content.read_bytes()
    data = content.encode() if isinstance(content, str) else content
    form = {"target": "vehicle", "import_file": SimpleUploadedFile(name, data), **POLICIES, **fields}
    return client.post(reverse("admin:catalog_vehicle_import"), form)


def newest() -> ImportRun:
    return ImportRun.objects.latest("id")


def worked() -> ImportRun:
    """Do what a worker does with the newest run; return the run."""
    run = newest()
    BY_STATE[ImportState(run.state)](run.pk)
    run.refresh_from_db()
    return run


def previewed(client: Client, content: str | bytes | Path = STOCK, **fields: Any) -> ImportRun:
    """Upload a file and let it be read."""
    answer = upload(client, content, **fields)
    assert answer.status_code == 302, answer.context["form"].errors
    return worked()


def landed(client: Client, content: str | bytes | Path = STOCK, **fields: Any) -> ImportRun:
    """Upload a file, let it be read, confirm it, let it land."""
    step(client, previewed(client, content, **fields), "confirm")
    return worked()


def address(run: ImportRun, step: str = "change") -> str:
    return reverse(f"admin:catalog_importrun_{step}", args=[run.pk])


def step(client: Client, run: ImportRun, name: str, data: Any = None, **query: str) -> Any:
    """Send the form of a step."""
    return client.post(address(run, name), data or {}, query_params=query)


def columns_form(client: Client, run: ImportRun, *, lists: bool = True) -> dict[str, Any]:
    """Return what a browser sends from the form that matches columns as it is shown; `lists`: with their rows."""
    forms = client.get(address(run), {"columns": ""}).context["sheet_forms"]
    parts = [*forms]
    for form in forms if lists else ():
        parts += [part for rows in (form.words, form.joins) for part in (rows.management_form, *rows)]
    held = {field.html_name: field.value() for part in parts for field in part if field.name != "rules"}
    return {"remember": "1"} | {name: "" if value is None else value for name, value in held.items()}


def page(client: Client, run: ImportRun, **query: Any) -> str:
    """Return the run's page."""
    answer = client.get(address(run), query)
    assert answer.status_code == 200
    return str(answer.content.decode())


def told(answer: Any) -> list[str]:
    """Return the messages that the next page shows."""
    return [str(message) for message in answer.wsgi_request._messages]

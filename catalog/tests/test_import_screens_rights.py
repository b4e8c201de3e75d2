"""Who may do what with imports in the admin: each step has its right, and an unfinished run is its owner's alone."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import ImportRun, Item
from catalog.tests.import_screens import (
    IMPORTS,
    VEHICLES,
    address,
    importer,
    landed,
    newest,
    page,
    person,
    previewed,
    signed_in,
    step,
    upload,
)

pytestmark = [pytest.mark.usefixtures("bucket"), pytest.mark.django_db]

STEPS = {
    "progress": "view_importrun",
    "columns": "preview_importrun",
    "leave_out": "preview_importrun",
    "leave_out_columns": "preview_importrun",
    "confirm": "confirm_importrun",
    "cancel": "add_importrun",
    "undo": "undo_importrun",
}
LIST = "admin:catalog_importrun_changelist"


def superuser() -> Client:
    return signed_in(User.objects.create_superuser("root"))


@pytest.mark.parametrize("rights", [VEHICLES, IMPORTS, ("add_importrun", "view_vehicle", "add_vehicle")])
def test_button_takes_the_right_to_import_and_to_the_kind(rights):
    client = signed_in(person(*rights, "view_vehicle"))

    answer = client.get(reverse("admin:catalog_vehicle_import"))
    sent = upload(client)
    shown = client.get(reverse("admin:catalog_vehicle_changelist")).content.decode()

    assert (answer.status_code, sent.status_code) == (403, 403)
    assert reverse("admin:catalog_vehicle_import") not in shown
    assert not ImportRun.objects.exists()


@pytest.mark.parametrize("name", STEPS)
def test_step_of_ones_own_run_without_its_right_is_refused(name):
    user = person(*IMPORTS, *VEHICLES)
    run = previewed(signed_in(user))
    user.user_permissions.clear()

    client = signed_in(User.objects.get(pk=user.pk))

    assert {client.get(address(run, name)).status_code, step(client, run, name).status_code} == {403}
    assert newest().state == "ready"


@pytest.mark.parametrize("name", ["change", *STEPS, "rejected"])
@pytest.mark.parametrize("other", [importer, superuser])
def test_unfinished_run_of_another_is_not_there(name, other):
    run = previewed(importer())
    client = other()

    codes = {client.get(address(run, name)).status_code}
    if name != "change":
        codes |= {step(client, run, name).status_code}

    assert codes == {404}
    assert newest().state == "ready"


def test_list_hides_unfinished_runs_of_others_from_superusers_too():
    previewed(importer())

    mine = superuser().get(reverse(LIST)).context["cl"].result_count

    assert mine == 0


def test_landed_run_is_seen_by_who_may_view_imports():
    run = landed(importer())
    client = signed_in(person("view_importrun"))

    text = page(client, run)

    assert "Aston Martin DB5" in text
    assert address(run, "undo") not in text


def test_landed_run_is_not_there_for_who_may_only_upload():
    run = landed(importer())

    assert signed_in(person("add_importrun")).get(address(run)).status_code == 404


@pytest.mark.parametrize(
    ("right", "shown"),
    [
        ("preview_importrun", {"leave-out", "leave-out-columns", "rows"}),
        ("confirm_importrun", set()),
        ("add_importrun", {"cancel"}),
    ],
)
def test_buttons_without_their_right_are_not_shown(right, shown):
    user = person(*IMPORTS, *VEHICLES)
    run = previewed(signed_in(user))
    user.user_permissions.remove(*user.user_permissions.exclude(codename=right))

    text = page(signed_in(User.objects.get(pk=user.pk)), run)

    forms = {"leave-out", "leave-out-columns", "rows", "confirm", "cancel"}
    assert {name for name in forms if f'id="{name}"' in text} == shown


def test_confirmation_asks_for_the_token_against_forgery():
    user = person(*IMPORTS, *VEHICLES)
    run = previewed(signed_in(user))
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)

    codes = {name: step(client, run, name).status_code for name in STEPS if name != "progress"}

    assert set(codes.values()) == {403}
    assert newest().state == "ready"


@pytest.mark.parametrize("name", ["leave_out", "leave_out_columns", "confirm", "cancel"])
def test_opening_the_address_of_a_step_changes_nothing(name):
    client = importer()
    run = previewed(client)

    assert client.get(address(run, name)).status_code == 405
    assert newest().state == "ready"


def test_rows_of_a_kind_that_the_person_may_not_bring_are_rejected():
    client = importer()
    run = previewed(client, "reference,name,kind\nA-1,One,tool\nA-2,Two,vehicle\n")

    text = page(client, run, outcome="rejected")

    assert "This import may not bring in items of the kind tool." in text
    assert (run.created, run.rejected, Item.objects.count()) == (1, 1, 0)


def test_change_and_delete_of_runs_are_nobodys():
    run = landed(importer())
    client = superuser()

    codes = [client.post(address(run)).status_code, client.post(address(run, "delete")).status_code]

    assert codes == [403, 403]

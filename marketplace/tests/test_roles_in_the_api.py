"""Every route of the API with every role: what answers, and which rows it shows, is what the table of roles says.

A route that is new belongs into marketplace.tests.api_rights: the first test fails until it is there.
"""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts import roles
from accounts.tests.factories import ApiKeyFactory, UserFactory, text_of
from accounts.tests.people import STAFF, WHO, account, api, browser, holder, may, member
from catalog.models import ImportRun, ImportState, Item, Kind, MediaAsset, MediaState, Production
from catalog.tests.factories import AppearanceFactory, ItemFactory, MediaAssetFactory, TermFactory
from marketplace.tests.api_rights import FOR_STAFF, LISTS, OWN, ROUTES, WRITES
from marketplace.tests.routes import routes_outside_the_admin

pytestmark = pytest.mark.django_db

METHODS = ("get", "post", "put", "patch", "delete")
# No JSON, so no method is refused as the API does it: other tests have these.
ELSEWHERE = {"", "healthz", "readyz", "v1/docs/"}
NEVER = "01234567-89ab-cdef-0123-456789abcdef"


def call(client, method, address):
    """Call with a body that says nothing."""
    if method == "get":
        return client.get(address)
    return getattr(client, method)(address, {}, content_type="application/json")


def caller(who):
    user = account(who)
    return api(user) if user else Client()


@pytest.fixture
def world():
    """Of each kind a published item and a draft, with a file each; files of no item and of other states."""
    for kind in Kind.values:
        for word in ("public", "draft"):
            item = ItemFactory.create(kind=kind, slug=f"{word}-{kind}", published=word == "public")
            MediaAssetFactory.create(key=f"{word}-{kind}.jpg", item=item, rendered=True)
            MediaAssetFactory.create(key=f"{word}-{kind}-missing.jpg", item=item, state=MediaState.MISSING)
            AppearanceFactory.create(item=item, production__slug=f"film-of-{word}-{kind}")
    MediaAssetFactory.create(key="loose.jpg")
    TermFactory.create(slug="spy")


def test_every_route_is_in_the_table():
    assert set(routes_outside_the_admin()) == ROUTES.keys() | OWN.keys() | FOR_STAFF.keys() | ELSEWHERE


def filled(route):
    """Return the address with the names of things that everybody may see."""
    kind = next((kind for name, kind in LISTS.items() if f"/{name}/" in route), "vehicle")
    slug = {"productions": "film-of-public-tool"}.get(
        route.split("/")[1], f"public-{kind}".replace("item", "tool")
    )
    if "<slug:vocabulary>" in route:
        slug = "spy"
    public = MediaAsset.objects.filter(key="public-tool.jpg").values_list("pk", flat=True).first()
    variables = {
        "<slug:slug>": slug, "<slug:vocabulary>": "genre", "<int:pk>": str(public),
        "<str:name>": "full-320.webp", "<slug:prefix>": "none", "<uuid:session>": NEVER,
        "<uuid:pk>": NEVER,
    }  # fmt: skip
    for variable, value in variables.items():
        route = route.replace(variable, value)
    return f"/{route}"


@pytest.fixture
def run():
    """An import of somebody else that has landed, with the number that `filled` gives."""
    public = MediaAsset.objects.get(key="public-tool.jpg")
    return ImportRun.objects.create(
        pk=public.pk,
        target="tool",
        file_name="tools.csv",
        state=ImportState.DONE,
        started_by=UserFactory.create(),
    )


@pytest.mark.parametrize("who", WHO)
@pytest.mark.usefixtures("world", "run")
def test_routes_for_staff_open_by_their_rights(who):
    client = caller(who)

    found = {
        (route, method): call(client, method, filled(route)).status_code
        for route in FOR_STAFF
        for method in METHODS
    }

    refused = 401 if who == "nobody" else 403
    assert found == {
        (route, method): status_for(who, *offered[method], refused) if method in offered else 405
        for route, offered in FOR_STAFF.items()
        for method in METHODS
    }


@pytest.mark.parametrize("who", WHO)
@pytest.mark.usefixtures("world")
def test_what_everybody_reads_is_changed_by_rights(who):
    client = caller(who)

    found = {
        (route, method): call(client, method, f"{filled(route)}?dry_run=true").status_code
        for route, offered in WRITES.items()
        for method in offered
    }

    refused = 401 if who == "nobody" else 403
    assert found == {
        (route, method): status_for(who, *right, refused)
        for route, offered in WRITES.items()
        for method, right in offered.items()
    }


def status_for(who, right, status, refused):
    return status if who in STAFF and may(who, right) else refused


@pytest.mark.parametrize("who", WHO)
@pytest.mark.usefixtures("world")
def test_routes_answer_alike_whatever_the_role(who):
    user = account(who)
    one = api(user) if user else Client()
    found = {
        # What an account does to itself may end its sessions.
        (route, method): call(api(user) if user and route in OWN else one, method, filled(route)).status_code
        for route in ROUTES | OWN
        for method in METHODS
        if method not in WRITES.get(route, {})
    }

    expected = {
        (route, method): answers.get(method, 405)
        for route, answers in (ROUTES | OWN).items()
        for method in METHODS
        if method not in WRITES.get(route, {})
    }
    if user is None:
        expected |= {(route, method): 401 for route in OWN for method in METHODS}
    assert found == expected


def kinds_seen(who):
    if who not in STAFF:
        return set()
    return {kind for kind in Kind.values if may(who, f"catalog.view_{kind}") or may(who, "catalog.view_item")}


def listed(client, address, name):
    answer = client.get(address)
    assert answer.status_code == 200, answer.content
    return {row[name] for row in answer.json()["results"]}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("route", LISTS)
@pytest.mark.usefixtures("world")
def test_drafts_are_seen_as_the_table_says(route, who):
    kinds = set(Kind.values) if route == "items" else {LISTS[route]}
    seen, client = kinds & kinds_seen(who), caller(who)
    drafts = {f"draft-{kind}" for kind in seen}

    assert (
        listed(client, f"/v1/{route}/?page_size=100", "slug") == {f"public-{kind}" for kind in kinds} | drafts
    )
    assert {kind for kind in kinds if client.get(f"/v1/{route}/draft-{kind}/").status_code == 200} == seen
    assert client.get(f"/v1/{route}/?status=draft").status_code == (200 if seen else 400)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.usefixtures("world")
def test_productions_are_seen_as_the_table_says(who):
    client, public = caller(who), {f"film-of-public-{kind}" for kind in Kind.values}
    every = set(Production.objects.values_list("slug", flat=True))

    found = listed(client, "/v1/productions/?page_size=100", "slug")

    assert found == (every if who in STAFF and may(who, "catalog.view_production") else public)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.usefixtures("world")
def test_media_are_seen_as_the_table_says(who):
    client, sees = caller(who), who in STAFF and may(who, "catalog.view_mediaasset")
    every = set(MediaAsset.objects.values_list("key", flat=True))

    found = listed(client, "/v1/media/?page_size=100", "key")

    assert found == (every if sees else {f"public-{kind}.jpg" for kind in Kind.values})
    assert {
        client.get(f"/v1/media/?{query}").status_code for query in ("state=missing", "assigned=false")
    } == {200 if sees else 400}


@pytest.mark.parametrize("who", STAFF)
@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("name", "page"),
    [("vehicles", "vehicle"), ("memorabilia", "memorabilia"), ("tools", "tool"), ("items", "item"),
     ("productions", "production"), ("media", "mediaasset"), ("terms", "term")],
)  # fmt: skip
def test_admin_and_api_show_the_same_rows(name, page, who):
    user = account(who)
    shown = browser(user).get(reverse(f"admin:catalog_{page}_changelist"))

    found = listed(api(user), f"/v1/{name}/?page_size=100", "id")

    if shown.status_code == 200:
        assert {row.pk for row in shown.context["cl"].result_list} == found
    else:
        assert not found & set(
            Item.objects.filter(status="draft").values_list("pk", flat=True) if page in LISTS.values() else []
        )


@pytest.mark.parametrize("kind", Kind.values)
@pytest.mark.usefixtures("world")
def test_right_to_one_kind_shows_its_drafts_alone(kind):
    client = api(holder(f"catalog.view_{kind}"))
    public = {f"public-{each}" for each in Kind.values}

    assert listed(client, "/v1/items/?page_size=100", "slug") == public | {f"draft-{kind}"}
    assert listed(client, "/v1/items/?status=draft", "slug") == {f"draft-{kind}"}
    assert {f"film-of-draft-{kind}"} == {
        slug for slug in listed(client, "/v1/productions/?page_size=100", "slug") if "draft" in slug
    }
    assert {f"draft-{kind}.jpg"} == {
        key for key in listed(client, "/v1/media/?page_size=100", "key") if "draft" in key
    }


@pytest.mark.usefixtures("world")
def test_right_to_view_films_shows_them_and_no_draft():
    client = api(holder("catalog.view_production"))

    assert len(listed(client, "/v1/productions/?page_size=100", "slug")) == 2 * len(Kind)
    assert listed(client, "/v1/items/", "slug") == {f"public-{kind}" for kind in Kind.values}


@pytest.mark.usefixtures("world")
def test_readers_pay_no_query_for_the_rights_of_others(client, django_assert_num_queries):
    with django_assert_num_queries(2):  # the state of the catalogue, the list
        client.get("/v1/items/")


@pytest.mark.usefixtures("world")
def test_staff_pay_two_queries_for_their_rights(django_assert_num_queries):
    client = api(holder("catalog.view_vehicle"))

    # the session with its account, two of permissions, the state, the list
    with django_assert_num_queries(5):
        client.get("/v1/items/")


# Rights that are taken


@pytest.mark.parametrize(
    ("taken", "key_answers"),
    [
        pytest.param({"is_staff": None}, 404, id="the staff flag"),
        pytest.param({"groups": []}, 404, id="the role"),
        pytest.param({"groups": ["Viewer"]}, 200, id="all but a lower role"),
        pytest.param({"is_active": None}, 401, id="the account"),
    ],
)
@pytest.mark.usefixtures("world")
def test_token_of_one_whose_rights_are_taken_opens_nothing(taken, key_answers):
    user = member("Publisher")
    key = ApiKeyFactory.create(owner=user, scopes=["read", "write"])
    client, stranger = api(user), api(member("Publisher"))
    machine = Client(headers={"authorization": f"Api-Key {text_of(key)}"})
    draft = "/v1/items/draft-tool/"
    before = [each.get(draft).status_code for each in (client, machine)]
    rows = list(Item.objects.order_by("pk").values_list("pk", "version"))

    changed = save_account(user, **taken)

    assert (before, changed.status_code) == ([200, 200], 302)
    assert {call(client, method, draft).status_code for method in METHODS} == {401}
    assert (machine.get(draft).status_code, stranger.get(draft).status_code) == (key_answers, 200)
    assert list(Item.objects.order_by("pk").values_list("pk", "version")) == rows


def save_account(user, **changes):
    """Save the account's page as an administrator; None takes a tick away."""
    body = {"username": user.username, "is_active": "on", "is_staff": "on", "groups": ["Publisher"]} | changes
    body["groups"] = list(Group.objects.filter(name__in=body["groups"]).values_list("pk", flat=True))
    address = reverse("admin:accounts_user_change", args=[user.pk])
    given = {name: value for name, value in body.items() if value is not None}
    return browser(member("Administrator")).post(address, given)


@pytest.mark.usefixtures("world")
def test_right_taken_from_a_group_is_taken_from_its_members():
    group = Group.objects.create(name="Own")
    group.permissions.set(Group.objects.get(name="Viewer").permissions.all())
    client = api(member("Own"))
    boss = browser(UserFactory.create(superuser=True))

    boss.post(reverse("admin:auth_group_change", args=[group.pk]), {"name": "Own", "permissions": []})

    assert client.get("/v1/items/?status=draft").status_code == 401


def test_scheduled_item_is_a_draft_until_its_time():
    ItemFactory.create(slug="ahead", status="published", published_at=datetime(2999, 1, 1, tzinfo=UTC))

    assert listed(api(member("Viewer")), "/v1/items/", "slug") == {"ahead"}
    assert listed(Client(), "/v1/items/", "slug") == set()


def test_roles_beside_each_other_add_up():
    user = member("Curator", "Operator")

    assert user.get_all_permissions() == roles.CURATOR | roles.OPERATOR

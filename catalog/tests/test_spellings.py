"""Names and aliases of a vocabulary: what one term has no other gets, over the API or in a form; imports have tests of their own."""

from functools import partial

import pytest

from accounts.tests.client import at_once
from accounts.tests.people import api, holder
from catalog.api.writing.terms import MOST_RENAMED
from catalog.models import Term
from catalog.tests.factories import TermFactory
from catalog.tests.writes import EVERY_RIGHT, faults, send, staff_of_all

pytestmark = pytest.mark.django_db
CLASHES = [
    ({"aliases": ["Secret", "agents"]}, "/aliases/1", "'agents' is already an alias of the term 'Spy'."),
    ({"aliases": ["SPY"]}, "/aliases/0", "'SPY' is already the name of the term 'Spy'."),
    ({"name": "Agents"}, "/name", "'Agents' is already an alias of the term 'Spy'."),
    ({"aliases": ["y" * 101]}, "/aliases/0", "An alias has at most 100 characters."),
    ({"aliases": ["y" * 9000]}, "/aliases/0", "An alias has at most 100 characters."),
]


@pytest.fixture
def heist():
    TermFactory.create(name="Spy", slug="spy", aliases=["Agents"])
    return TermFactory.create(name="Heist", slug="heist")


@pytest.mark.usefixtures("heist")
@pytest.mark.parametrize(("broken", "pointer", "sentence"), CLASHES)
def test_spelling_of_another_is_refused_over_the_api(broken, pointer, sentence):
    answer = send(staff_of_all(), "patch", "/v1/terms/genre/heist/", broken)

    assert [(where, said) for where, _, said in faults(answer)] == [(pointer, sentence)]


@pytest.mark.parametrize(("broken", "pointer", "sentence"), CLASHES)
def test_spelling_of_another_is_refused_in_a_form(admin_client, heist, broken, pointer, sentence):
    cells = {"name": "Heist", "slug": "heist"} | broken | {"aliases": "\n".join(broken.get("aliases", []))}

    answer = admin_client.post(f"/admin/catalog/term/{heist.pk}/change/", cells)

    assert answer.context["adminform"].form.errors == {pointer.split("/")[1]: [sentence]}


@pytest.mark.usefixtures("heist")
def test_spelling_of_another_row_is_refused():
    rows = [{"vocabulary": "genre", "name": name, "aliases": ["Night"]} for name in ("Noir", "Dark")]

    answer = send(staff_of_all(), "post", "/v1/terms/bulk/", rows)

    assert faults(answer) == [("/1/aliases/0", "unique", "'Night' is already an alias of the term 'Noir'.")]


def test_aliases_that_clash_already_may_stay():
    TermFactory.create(name="Spy", slug="spy", aliases=["Agents"])
    TermFactory.create(name="Heist", slug="heist", aliases=["Agents"])

    answer = send(
        staff_of_all(), "patch", "/v1/terms/genre/heist/", {"aliases": ["Agents", " Robbery ", "robbery"]}
    )

    assert (answer.status_code, answer.json()["aliases"]) == (200, ["Agents", "Robbery"])


def test_names_that_differ_by_a_sharp_s_are_two():
    rows = [
        {"vocabulary": "make", "name": name, "slug": name.lower().replace("ß", "z")}
        for name in ("Straße", "STRASSE")
    ]

    answer = send(staff_of_all(), "post", "/v1/terms/bulk/", rows)

    assert (answer.status_code, Term.objects.count()) == (200, 2)


def test_request_gives_so_many_new_names():
    for number in range(MOST_RENAMED + 1):
        TermFactory.create(name=f"Old {number}", slug=f"old-{number}")
    rows = [
        {"vocabulary": "genre", "slug": f"old-{number}", "name": f"New {number}"}
        for number in range(MOST_RENAMED + 1)
    ]

    answer = send(staff_of_all(), "patch", "/v1/terms/bulk/", rows)

    assert [fault[:2] for fault in faults(answer)] == [(f"/{MOST_RENAMED}/name", "rule")]
    assert not Term.objects.filter(name__startswith="New").exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_that_give_one_alias_to_two_terms_one_is_refused():
    slugs = [
        TermFactory.create(name=name, slug=name.lower()).slug for name in ("Spy", "Heist", "Noir", "War")
    ]
    person = holder(*[f"catalog.{name}" for name in EVERY_RIGHT])
    clients = [(api(person), slug) for slug in slugs]

    answers = at_once([
        partial(send, client, "patch", f"/v1/terms/genre/{slug}/", {"aliases": ["Night"]}) for client, slug in clients
    ])  # fmt: skip

    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    assert Term.objects.filter(aliases=["Night"]).count() == 1

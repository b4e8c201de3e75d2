"""Whose a run is, and who may take its steps."""

from functools import partial

import pytest

from accounts.models import User
from accounts.tests.factories import UserFactory
from catalog.imports.engine import import_file
from catalog.imports.errors import ImportRefused
from catalog.imports.life import runs, work
from catalog.imports.options import ImportOptions
from catalog.models import Item
from catalog.tests.runs import curator, landed, previewed, state_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bucket")]

STEPS = [
    pytest.param(partial(runs.give_mapping, mappings={}, remember=False), id="mapping"),
    pytest.param(partial(runs.leave_out, sheet=0), id="leaving out"),
    pytest.param(runs.confirm, id="confirming"),
    pytest.param(runs.cancel, id="cancelling"),
]


@pytest.mark.parametrize("step", STEPS)
def test_steps_of_an_unfinished_run_are_its_owners_alone(step):
    run = previewed(curator())

    with pytest.raises(runs.RunHidden):
        step(run, by=UserFactory.create(superuser=True))

    assert state_of(run)[0] == "ready"


@pytest.mark.parametrize("step", STEPS)
def test_steps_need_their_right_still(step):
    by = curator()
    run = previewed(by)
    by.groups.clear()

    with pytest.raises(runs.RunForbidden, match=r"This account may not do that with imports\."):
        step(run, by=User.objects.get(pk=by.pk))

    assert state_of(run)[0] == "ready"


def test_run_does_not_land_once_its_person_may_not_confirm_any_more():
    by = curator()
    run = previewed(by)
    runs.confirm(run, by=by)
    by.groups.clear()

    work.land_now(run.pk)

    assert state_of(run)[0] == "failed"
    assert not Item.objects.exists()


def test_unfinished_runs_are_seen_by_their_owner_and_landed_ones_by_those_who_may_view():
    by, other, nobody = curator(), curator(), UserFactory.create(is_staff=True)
    ready, done = previewed(by), landed(by, "reference,name\nC-1,Car\n")

    assert set(runs.visible_to(by)) == {ready, done}
    assert set(runs.visible_to(other)) == {done}
    assert not runs.visible_to(nobody).exists()


def test_failed_runs_of_commands_are_seen_by_those_who_may_view(tmp_path):
    other, nobody = curator(), UserFactory.create(is_staff=True)
    with pytest.raises(ImportRefused):
        import_file(path=tmp_path / "gone.csv", target="vehicle", options=ImportOptions())

    assert [run.file_name for run in runs.visible_to(other)] == ["gone.csv"]
    assert not runs.visible_to(nobody).exists()

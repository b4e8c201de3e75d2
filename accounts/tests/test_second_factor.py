"""Codes of an app and recovery codes: each is taken once, over all processes, and guesses are slowed down."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import second_factor
from accounts.models import Action, AuditEvent, RecoveryCode, Session, SessionKind
from accounts.sessions import begin
from accounts.tests.client import at_once
from accounts.tests.factories import UserFactory
from accounts.tests.second_factors import app_of, code_of, wrong_code_of
from marketplace.commands import CannotRun

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("still_clock")]


@pytest.fixture
def ada():
    return UserFactory.create(username="ada", is_staff=True)


def events(action):
    return list(AuditEvent.objects.filter(action=action).values_list("actor", "subject", "detail"))


# Whether there is one


def test_account_without_a_factor_has_none(ada, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert second_factor.has_one(ada) is False


def test_account_with_an_app_has_one(ada, django_assert_num_queries):
    app_of(ada)
    with django_assert_num_queries(1):
        assert second_factor.has_one(ada) is True


def test_app_that_was_never_confirmed_is_none(ada):
    app_of(ada, confirmed=False)
    assert second_factor.has_one(ada) is False


def test_app_of_somebody_else_is_none(ada):
    app_of(UserFactory.create())
    assert second_factor.has_one(ada) is False


@pytest.mark.parametrize(
    ("setting", "is_staff", "required"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_factor_is_required_of_staff_by_the_setting(settings, setting, is_staff, required):
    settings.REQUIRE_SECOND_FACTOR = setting
    assert second_factor.required_of(UserFactory.build(is_staff=is_staff)) is required


# Codes of an app


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_app_code_is_taken_one_step_early_or_late(ada, steps, taken):
    assert second_factor.verify(ada, code_of(app_of(ada), steps)) is taken


def test_app_code_may_be_typed_in_two_groups(ada):
    code = code_of(app_of(ada))
    assert second_factor.verify(ada, f" {code[:3]} {code[3:]} ") is True


def test_app_code_is_refused_the_second_time(ada):
    code = code_of(app_of(ada))
    assert [second_factor.verify(ada, code), second_factor.verify(ada, code)] == [True, False]


def test_app_code_older_than_the_last_one_is_refused(ada, still_clock):
    device = app_of(ada)
    assert second_factor.verify(ada, code_of(device, 1)) is True
    assert second_factor.verify(ada, code_of(device)) is False


def test_tolerance_does_not_move_with_use(ada, still_clock):
    device = app_of(ada)
    for _ in range(3):
        assert second_factor.verify(ada, code_of(device, 1)) is True
        still_clock.shift(60)
    assert second_factor.verify(ada, code_of(device, 2)) is False


@pytest.mark.django_db(transaction=True)
def test_one_app_code_sent_by_fifty_at_once_is_taken_once(ada):
    code = code_of(app_of(ada))
    assert sum(at_once([lambda: second_factor.verify(ada, code)] * 50)) == 1


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("", id="empty"),
        pytest.param("12345", id="short"),
        pytest.param("1234567", id="long"),
        pytest.param("\uff11\uff12\uff13\uff14\uff15\uff16", id="digits of another script"),
        pytest.param("-1", id="negative"),
        pytest.param("9" * 5000, id="very long"),
        pytest.param("\x00\x00\x00\x00\x00\x00", id="NUL"),
        pytest.param("abcd-efgh-\ud800j", id="surrogate"),
        pytest.param("abcd-efgh-jk", id="no recovery code of theirs"),
    ],
)
def test_what_is_no_code_is_refused(ada, code):
    app_of(ada)
    second_factor.new_recovery_codes(ada)
    assert second_factor.verify(ada, code) is False


def test_app_code_of_who_has_no_app_is_refused(ada):
    assert second_factor.verify(ada, "123456") is False


def test_app_code_of_somebody_else_is_refused(ada):
    app_of(ada)
    assert second_factor.verify(ada, code_of(app_of(UserFactory.create()))) is False


def test_right_code_after_ten_wrong_ones_is_refused(ada, still_clock):
    device = app_of(ada)
    for _ in range(10):
        assert second_factor.verify(ada, wrong_code_of(device)) is False
        still_clock.shift(600)  # long enough to be judged, each of them
    still_clock.shift(-300)
    assert second_factor.verify(ada, code_of(device)) is False


def test_guesses_at_once_are_judged_once_and_slow_the_owner(ada):
    device = app_of(ada)
    assert [second_factor.verify(ada, wrong_code_of(device)) for _ in range(100)] == [False] * 100
    device.refresh_from_db()
    assert device.throttling_failure_count == 1


def test_right_code_is_taken_after_the_wait_however_many_were_wrong(ada, still_clock):
    device = app_of(ada, throttling_failure_count=60, throttling_failure_timestamp=timezone.now())
    still_clock.shift(511)
    assert second_factor.verify(ada, code_of(device)) is False
    still_clock.shift(2)
    assert second_factor.verify(ada, code_of(device)) is True


# Recovery codes


def test_recovery_codes_are_ten_of_their_own_kind(ada):
    codes = second_factor.new_recovery_codes(ada)
    assert len(set(codes)) == 10
    assert all(second_factor.RECOVERY_CODE.fullmatch(code.replace("-", "")) for code in codes)


def test_recovery_code_is_refused_the_second_time(ada):
    code = second_factor.new_recovery_codes(ada)[3]
    assert [second_factor.verify(ada, code), second_factor.verify(ada, code)] == [True, False]
    assert events(Action.RECOVERY_CODE_USED) == [("ada", "ada", {"left": 9})]


def test_recovery_code_may_be_typed_without_dashes_in_capitals(ada):
    code = second_factor.new_recovery_codes(ada)[0]
    assert second_factor.verify(ada, f" {code.replace('-', ' ').upper()}") is True


@pytest.mark.django_db(transaction=True)
def test_one_recovery_code_sent_by_fifty_at_once_is_taken_once(ada):
    code = second_factor.new_recovery_codes(ada)[0]
    assert sum(at_once([lambda: second_factor.verify(ada, code)] * 50)) == 1


def test_new_recovery_codes_replace_the_old_ones(ada):
    old = second_factor.new_recovery_codes(ada)[0]
    new = second_factor.new_recovery_codes(ada)[0]
    assert [second_factor.verify(ada, old), second_factor.verify(ada, new)] == [False, True]


def test_recovery_code_of_somebody_else_is_refused(ada):
    code = second_factor.new_recovery_codes(UserFactory.create())[0]
    assert second_factor.verify(ada, code) is False


def test_recovery_codes_are_kept_as_keyed_hashes(ada, settings):
    code = second_factor.new_recovery_codes(ada)[0]
    hashes = [bytes(row.code_hash) for row in RecoveryCode.objects.all()]
    assert {len(one) for one in hashes} == {32}
    assert code.replace("-", "").encode() not in b"".join(hashes)
    settings.SECRET_KEY = "another"
    assert second_factor.verify(ada, code) is False


# Adding, removing, resetting


def test_app_is_kept_once_its_code_is_right(ada):
    key = second_factor.new_key()
    code = code_of(second_factor.app_for(ada, key))
    assert second_factor.add_app(ada, key, code) is True
    assert second_factor.verify(ada, code) is False  # it was used already
    detail = {"factor": "Authenticator app", "sessions_ended": 0}
    assert events(Action.SECOND_FACTOR_ADDED) == [("ada", "ada", detail)]


def test_app_with_a_wrong_code_is_not_kept(ada):
    key = second_factor.new_key()
    assert second_factor.add_app(ada, key, wrong_code_of(second_factor.app_for(ada, key))) is False
    assert not TOTPDevice.objects.exists()


def test_second_app_is_not_kept(ada):
    app_of(ada)
    key = second_factor.new_key()
    assert second_factor.add_app(ada, key, code_of(second_factor.app_for(ada, key))) is False


@pytest.mark.django_db(transaction=True)
def test_one_app_is_kept_of_ten_added_at_once(ada):
    key = second_factor.new_key()
    code = code_of(second_factor.app_for(ada, key))
    assert sum(at_once([lambda: second_factor.add_app(ada, key, code)] * 10)) == 1


def test_last_factor_goes_with_its_recovery_codes(ada):
    device = app_of(ada)
    second_factor.new_recovery_codes(ada)
    assert second_factor.remove(ada, device) is True
    assert (second_factor.has_one(ada), second_factor.codes_left(ada)) == (False, 0)
    assert events(Action.SECOND_FACTOR_REMOVED) == [("ada", "ada", {"factor": "Authenticator app"})]


def test_factor_that_is_not_the_last_leaves_the_recovery_codes(ada):
    device, spare = app_of(ada), app_of(ada)
    second_factor.new_recovery_codes(ada)
    assert second_factor.remove(ada, device) is True
    assert second_factor.factors_of(ada) == [spare]
    assert second_factor.codes_left(ada) == 10


def test_factor_that_is_gone_is_removed_without_a_trace(ada):
    device = app_of(ada)
    second_factor.remove(ada, TOTPDevice.objects.get(pk=device.pk))
    assert second_factor.remove(ada, device) is True
    assert len(events(Action.SECOND_FACTOR_REMOVED)) == 1


def test_account_that_is_gone_gets_no_codes(ada):
    ada_again = type(ada).objects.get(pk=ada.pk)
    ada.delete()
    with pytest.raises(PermissionDenied):
        second_factor.new_recovery_codes(ada_again)


def test_last_factor_that_is_required_stays(ada, settings):
    settings.REQUIRE_SECOND_FACTOR = True
    device = app_of(ada)
    assert second_factor.remove(ada, device) is False
    assert second_factor.has_one(ada) is True


def test_reset_takes_everything_and_ends_the_sessions(ada):
    chief = UserFactory.create(username="chief", superuser=True)
    app_of(ada)
    second_factor.new_recovery_codes(ada)
    begin(ada, kind=SessionKind.BROWSER, verified=True)
    assert second_factor.reset(ada, by=chief) == 1
    assert (second_factor.has_one(ada), second_factor.codes_left(ada)) == (False, 0)
    assert not Session.objects.filter(user=ada, ended_at=None).exists()
    detail = {"factors": 1, "recovery_codes": 10, "sessions": 1}
    assert events(Action.SECOND_FACTOR_REMOVED) == [("chief", "ada", detail)]


def test_command_resets_an_account(ada):
    app_of(ada)
    out = StringIO()
    call_command("reset_second_factor", "ada", stdout=out)
    assert second_factor.has_one(ada) is False
    assert out.getvalue() == "'ada' has no second factor now (1 taken away); its sessions have ended.\n"


def test_command_tells_machines(ada):
    out = StringIO()
    call_command("reset_second_factor", "ada", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"username": "ada", "factors": 0, "dry_run": False}


def test_command_dry_run_takes_nothing(ada):
    app_of(ada)
    out = StringIO()
    call_command("reset_second_factor", "ada", "--dry-run", stdout=out)
    assert second_factor.has_one(ada) is True
    assert out.getvalue() == (
        "'ada' would have no second factor (1 taken away), and its sessions would end.\n"
    )


def test_command_refuses_a_name_that_nobody_has():
    with pytest.raises(CannotRun, match=r"There is no account named 'nobody'\."):
        call_command("reset_second_factor", "nobody")


def test_wait_is_counted_from_the_last_wrong_code(ada):
    device = app_of(ada)
    second_factor.verify(ada, wrong_code_of(device))
    device.refresh_from_db()
    assert device.throttling_failure_timestamp == timezone.now()
    assert device.verify_is_allowed()[1]["locked_until"] == timezone.now() + timedelta(seconds=1)

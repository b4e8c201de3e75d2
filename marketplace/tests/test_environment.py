"""Reading configuration: what is taken, and one sentence naming the variable for what is not."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from marketplace import environment


@pytest.fixture
def refused(monkeypatch):
    """Return the sentence with which a reader refuses the value."""

    def read(reader, value, **options):
        monkeypatch.setenv("X", value)
        with pytest.raises(ImproperlyConfigured) as raised:
            reader("X", **options)
        assert raised.value.__cause__ is None or "secret" not in str(raised.value.__cause__)
        return str(raised.value)

    return read


def test_text_unset_or_empty_is_the_default(monkeypatch):
    assert environment.text("X", "default") == "default"
    monkeypatch.setenv("X", "")
    assert environment.text("X", "default") == "default"


def test_text_of_a_file_is_its_content_without_the_line_break(monkeypatch, tmp_path):
    (tmp_path / "x").write_text(" se cret \r\n")
    monkeypatch.setenv("X_FILE", str(tmp_path / "x"))
    assert environment.text("X") == " se cret "


def test_text_of_a_file_that_cannot_be_read_names_both(monkeypatch, tmp_path):
    monkeypatch.setenv("X_FILE", str(tmp_path))
    with pytest.raises(ImproperlyConfigured) as raised:
        environment.text("X")
    assert str(raised.value) == f"X_FILE names {tmp_path}, which cannot be read: Is a directory."


@pytest.mark.parametrize(
    ("value", "meant"), [("1", True), ("True", True), ("on", True), ("no", False), ("0", False)]
)
def test_flag_takes_the_usual_words(monkeypatch, value, meant):
    monkeypatch.setenv("X", value)
    assert environment.flag("X", default=not meant) is meant


def test_flag_of_another_word_is_refused(refused):
    assert refused(environment.flag, "maybe", default=True) == "X must be true or false, not 'maybe'."


@pytest.mark.parametrize("value", ["0", "65536", "-1", "8000.0", "abc", "٨", "9" * 5000])
def test_integer_out_of_bounds_is_refused(refused, value):
    sentence = refused(environment.integer, value, default=1, low=1, high=65535)
    assert sentence.startswith("X must be a whole number from 1 to 65535, not ")


@pytest.mark.parametrize("value", ["s3.example.com", "ftp://x", "http://?x", "http://[::1", "http://x:0"])
def test_http_url_that_is_none_is_refused(refused, value):
    assert (
        refused(environment.http_url, value)
        == f"X must be an address like https://s3.example.com, not {value!r}."
    )


def test_log_level_that_is_none_is_refused(refused):
    assert refused(environment.log_level, "loud") == (
        "X must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL, not 'LOUD'."
    )


def test_hosts_are_taken_as_django_takes_them(monkeypatch):
    monkeypatch.setenv("X", "shop.example.com, .example.com,127.0.0.1,[::1],*")
    assert environment.hosts("X", ["localhost"]) == [
        "shop.example.com", ".example.com", "127.0.0.1", "[::1]", "*",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "value", [",", "https://example.com", "example.com:8000", "::1", "a b", "example..com"]
)
def test_hosts_that_would_match_nothing_are_refused(refused, value):
    assert refused(environment.hosts, value, default=[]) == (
        f"X must list host names like shop.example.com, without scheme and port, not {value!r}."
    )


def test_origins_are_taken_as_browsers_write_them(monkeypatch):
    monkeypatch.setenv("X", "https://shop.example.com, https://a:8443/,http://[::1]:5173")
    assert environment.origins("X") == ["https://shop.example.com", "https://a:8443", "http://[::1]:5173"]


@pytest.mark.parametrize(
    "value",
    [
        "*", "null", "shop.example.com", "//shop.example.com", "https://", "ftp://shop.example.com",
        "https://shop.example.com/x", "https://shop.example.com?x", "https://shop.example.com#x",
        "https://*.example.com", "https://shop .example.com", "https://a https://b", "HTTPS://shop.example.com",
        "https://Shop.example.com", "https://shop.example.com:443", "http://shop.example.com:80/",
        "https://shop.example.com:0", "https://shop.example.com:port",
    ],
)  # fmt: skip
def test_origins_that_no_browser_sends_are_refused(refused, value):
    assert refused(environment.origins, value) == (
        f"X must list origins like https://shop.example.com, not {value!r}."
    )


def test_origins_with_a_password_are_refused_without_it(refused):
    assert "secret" not in refused(environment.origins, "https://user:secret@shop.example.com")


def test_networks_are_those_that_clients_come_from(monkeypatch):
    monkeypatch.setenv("X", "10.0.0.0/8, ::1,::ffff:192.0.2.0/120")
    assert list(map(str, environment.networks("X"))) == ["10.0.0.0/8", "::1/128", "192.0.2.0/24"]


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("proxy", "'proxy' does not appear to be an IPv4 or IPv6 network"),
        ("10.0.0.1/8", "10.0.0.1/8 has host bits set"),
        ("fe80::1%eth0", "'fe80::1%eth0' names a zone, which means something on one machine only"),
    ],
)
def test_networks_that_are_none_are_refused(refused, value, fault):
    assert refused(environment.networks, value) == (
        f"X must list addresses or networks like 10.0.0.0/8, and {fault}."
    )


def test_database_in_all_its_parts_becomes_settings(monkeypatch):
    monkeypatch.setenv(
        "X", "postgres://u:p%40ss%2F@h1,h2:5433/db?sslmode=require&target_session_attrs=read-write"
    )
    assert environment.database("X", "") == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "db",
        "USER": "u",
        "PASSWORD": "p@ss/",
        "HOST": "h1,h2",
        "PORT": ",5433",  # the first host has the usual one
        "OPTIONS": {"sslmode": "require", "target_session_attrs": "read-write"},
    }


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param("mysql://u:secret@h/db", "must look like postgresql://", id="another database"),
        pytest.param("postgres://u:secret%zz@h/db", "(invalid percent-encoded token)", id="escape"),
        pytest.param("postgres://u:secret@h/db?frob=1", "(invalid URI query parameter)", id="parameter"),
        pytest.param("postgres://u:secret@[::1/db", "IPv6", id="bracket"),
        pytest.param("postgres://u:secret@h/", "names no database", id="no database"),
        pytest.param("postgres://u:secret@h:99999/db", "no usable host and port", id="port"),
        pytest.param("postgres://u:sec/ret@h/db", "percent-encoded", id="slash in the password"),
        pytest.param("postgres://u:a@secret@h/db", "percent-encoded", id="at sign in the password"),
        pytest.param("postgres://u:sec ret@h/db", "percent-encoded", id="space in the password"),
    ],
)
def test_database_that_cannot_be_used_is_refused_without_its_password(refused, value, words):
    sentence = refused(environment.database, value, default="")
    assert sentence.startswith("X ")
    assert words in sentence
    assert "secret" not in sentence


@pytest.mark.parametrize(
    "address",
    [
        "memcached://h",
        "redis://",
        "redis://h:port/0",
        "redis://h:0",
        "redis://h:70000",
        "redis://h/abc",
        "redis://[h/0",
    ],
)
def test_cache_that_cannot_be_used_is_refused(refused, address):
    assert refused(environment.cache, address) == "X must be an address like redis://host:6379/0."

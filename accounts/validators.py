"""What every door asks of a password, beside what Django's own validators ask (AUTH_PASSWORD_VALIDATORS)."""

import re

from django.core.exceptions import ValidationError

from accounts.hashers import PASSWORD_MAX_LENGTH
from accounts.models import User

# What manuals, images and examples are delivered with. Compared by what `_cores` leaves of a password,
# so that "Admin123!" and "P@ssw0rd-2026" are among them too.
KNOWN_DEFAULTS = {
    "admin", "administrator", "adminadmin", "adminpass", "adminpassword", "airflow", "alpine", "calvin", "catalog",
    "catalogue", "change", "changeit", "changeme", "changemeinproduction", "changemenow", "changemeplease",
    "changeoninstall", "changethis", "changethispassword", "cisco", "correcthorsebatterystaple", "default",
    "defaultpassword", "demo", "directus", "django", "donotuse", "elastic", "example", "examplepassword", "fixme",
    "grafana", "guest", "harbor", "initial", "initialpassword", "insecure", "jenkins", "keycloak", "kibana",
    "letmein", "manager", "marketplace", "minio", "minioadmin", "mypassword", "mysecretpassword", "mysql",
    "mystrongpassword", "netbox", "notsecure", "openbravo", "operator", "oracle", "pass", "passpass", "password",
    "passwordpassword", "passwort", "pleasechange", "pleasechangeme", "postgres", "postgresql", "qwerty",
    "qwertyuiop", "rabbitmq", "raspberry", "replaceme", "replacethis", "root", "rootpass", "rootpassword",
    "rootroot", "sample", "samplepassword", "secret", "secretpassword", "secretsecret", "setme", "somepassword",
    "strapi", "strongpassword", "superadmin", "supersecret", "supersecretpassword", "superuser", "support",
    "system", "temp", "temporary", "temporarypassword", "temppassword", "test", "testing", "testpassword",
    "testtest", "tiger", "todo", "tomcat", "toor", "trustno", "ubnt", "user", "userpassword", "vagrant", "welcome",
    "wordpress", "yourpassword", "yourpasswordhere", "yourstrongpassword", "zabbix",
}  # fmt: skip
LOOKALIKES = str.maketrans("013457@$!", "oleastasi")
AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")
NO_LETTER = re.compile(r"[\W\d_]+")


class StorablePasswordValidator:
    """Refuses what could be set and never typed again, or only costs: no Unicode text, NUL, too long.

    Django tells validators of every password that was set, by its commands and forms too; then a temporary
    one has had its day (accounts.passwords makes those).
    """

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ValidationError with one sentence that does not repeat the password."""
        if "\0" in password or not _is_text(password):
            raise ValidationError(
                "This password holds a NUL or is not Unicode text, so nobody could sign in with it.",
                code="password_not_text",
            )
        if len(password) > PASSWORD_MAX_LENGTH:
            raise ValidationError(
                f"This password is longer than {PASSWORD_MAX_LENGTH} characters.", code="password_too_long"
            )

    def get_help_text(self) -> str:
        return f"Any characters will do, blanks too, up to {PASSWORD_MAX_LENGTH} of them."

    def password_changed(self, password: str, user: User) -> None:
        """Let the password last: whoever means it to be temporary says so after it is set."""
        user.temporary_password_until = None
        temporary = User.objects.filter(pk=user.pk, temporary_password_until__isnull=False)
        temporary.update(temporary_password_until=None)


class KnownPasswordValidator:
    """Refuses the passwords that products are delivered with."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ValidationError with one sentence that does not repeat the password."""
        if _cores(password) & KNOWN_DEFAULTS:
            raise ValidationError(
                "This password is one that everybody knows; choose another.", code="password_known"
            )

    def get_help_text(self) -> str:
        return (
            "No password that products are delivered with, such as admin or changeme, also with digits added."
        )


def _cores(password: str) -> set[str]:
    """Return the letters of the password, as they stand and with digits and signs read as the letters they mimic."""
    inside = AROUND.sub("", password.casefold())
    return {NO_LETTER.sub("", inside), NO_LETTER.sub("", inside.translate(LOOKALIKES))}


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, or bytes of the environment that are not UTF-8
        return False
    return True

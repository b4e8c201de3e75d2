"""The bodies that sign-in takes and gives."""

from typing import Any

from rest_framework import serializers

from accounts.hashers import PASSWORD_MAX_LENGTH
from accounts.models import User


class PasswordField(serializers.CharField):
    """A password as typed: blanks at its ends count."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            write_only=True,
            trim_whitespace=False,
            max_length=PASSWORD_MAX_LENGTH,
            style={"input_type": "password"},
            **kwargs,
        )


class CredentialsSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(write_only=True, max_length=150)
    password = PasswordField()
    code = serializers.CharField(
        write_only=True,
        required=False,
        allow_blank=True,
        max_length=32,
        help_text="Of the second factor, for accounts that have one: from the app, or a recovery code.",
    )


class TokenPairSerializer(serializers.Serializer[Any]):
    access = serializers.CharField(read_only=True, help_text="For the Authorization header; lives minutes.")
    refresh = serializers.CharField(read_only=True, help_text="Works once: gives the next pair.")


class RefreshSerializer(serializers.Serializer[Any]):
    refresh = serializers.CharField(write_only=True)


class AccessSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(write_only=True, help_text="An access token.")


class PasswordChangeSerializer(serializers.Serializer[Any]):
    old_password = PasswordField()
    new_password = PasswordField()


class AccountSerializer(serializers.ModelSerializer[User]):
    email = serializers.CharField(read_only=True, allow_blank=True)
    permissions = serializers.SerializerMethodField(help_text="What the account may do, sorted.")

    class Meta:
        model = User
        fields = (
            "id",
            "username",
            "email",
            "first_name",
            "last_name",
            "is_staff",
            "is_superuser",
            "last_login",
            "date_joined",
            "permissions",
        )
        read_only_fields = fields

    def get_permissions(self, user: User) -> list[str]:
        """Return names like `catalog.change_vehicle`; costs two queries."""
        return sorted(user.get_all_permissions())

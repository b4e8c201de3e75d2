"""The admin's sessions in the database, where nothing that is stored can be used as a cookie.

Django's own store keeps the cookie's value as the row's key, so that a dump signs its reader in. Here the
key of the row is a hash of it. The cookie's value is random (165 bits), so the hash needs no salt.
"""

import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone


def hashed(session_key: str) -> str:
    """Return what the cookie's value is kept as: 160 bits of its SHA-256, as many as the column holds."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:40]


class SessionStore(db.SessionStore):
    """Django's store; the methods that bring the key to the database hash it on the way."""

    def _get_session_from_db(self) -> Session | None:
        return self._found(self._mine().first())

    async def _aget_session_from_db(self) -> Session | None:
        return self._found(await self._mine().afirst())

    def _mine(self) -> "QuerySet[Session]":
        key = hashed(self.session_key or "")
        return Session.objects.filter(session_key=key, expire_date__gt=timezone.now())

    def _found(self, row: Session | None) -> Session | None:
        if row is None:
            self._session_key = None  # a key that nobody was given is not kept for the next session
        return row

    def exists(self, session_key: str) -> bool:
        return super().exists(hashed(session_key))

    async def aexists(self, session_key: str) -> bool:
        return await super().aexists(hashed(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        return self._under_hash(super().create_model_instance(data))

    async def acreate_model_instance(self, data: dict[str, Any]) -> Any:
        return self._under_hash(await super().acreate_model_instance(data))

    def _under_hash(self, row: Any) -> Any:
        row.session_key = hashed(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            super().delete(hashed(key))

    async def adelete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            await super().adelete(hashed(key))

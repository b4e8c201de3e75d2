"""The admin's pages for people, their rights, and what they signed in with."""

from accounts.admin import audit, keys, passwords, people, second_factor, sessions

__all__ = ["audit", "keys", "passwords", "people", "second_factor", "sessions"]

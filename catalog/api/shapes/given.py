"""What a compiled statement leaves open: the values of the request, and who asks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Expression, Lookup, TextField
from django.db.models.fields import CharField

Values = Mapping[str, Any]

VIEWED = ("item", "vehicle", "memorabilia", "tool", "production", "mediaasset")
VIEWING = tuple(f"catalog.{verb}_{name}" for verb in ("view", "change") for name in VIEWED)


@dataclass(frozen=True)
class Reader:
    """Who asks, as far as the catalogue's rows depend on it: the rights to see what is not public.

    It stands for the account in the queries of compiled statements (`visible_to(reader)`). They are kept
    by it, so that what one account sees can never be told to another.
    """

    rights: frozenset[str] = frozenset()

    @classmethod
    def of(cls, user: Any) -> "Reader":
        """Return the reader that this account is. Clients and anonymous users cost no query."""
        if not (user.is_active and user.is_staff):
            return PUBLIC
        return cls(frozenset(name for name in VIEWING if user.has_perm(name)))

    @property
    def is_active(self) -> bool:
        return bool(self.rights)

    is_staff = is_active

    def has_perm(self, name: str) -> bool:
        return name in self.rights


PUBLIC = Reader()


class Given(Expression):
    """A place in a statement where each request puts what `of` makes of its values.

    It takes the place of a value in lookups and functions, whose SQL is then written once for all values.
    PostgreSQL does not look at one that is `hidden` when it plans: a plan for its values alone would seem cheaper by
    what could be worked out beforehand, and would be made anew with each request.
    """

    def __init__(self, of: Callable[[Values], Any], *, cast: str = "", hidden: bool = False) -> None:
        super().__init__(output_field=TextField())
        self.of = of
        self.cast = cast
        self.hidden = hidden

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        text = f"%s::{self.cast}" if self.cast else "%s"
        return (f"(SELECT {text})" if self.hidden else text), [self]


class Places(dict[str, Any]):
    """Values for a statement that is being compiled: places for most, and those that are part of its shape."""

    def __init__(self, names: tuple[str, ...], fixed: Mapping[str, Any]) -> None:
        super().__init__({name: given(name) for name in names} | dict(fixed))


def given(name: str, *, cast: str = "") -> Given:
    """Return the place of one value."""
    return Given(lambda values: values[name], cast=cast)


def computed(function: Callable[[Values], Any], values: Values) -> Any:
    """Return what the function makes of the values; of a statement's places, the place for what it will make."""
    return Given(function) if isinstance(values, Places) else function(values)


@CharField.register_lookup
@TextField.register_lookup
class OneOf(Lookup[Any]):
    """Equals one of the texts of a list: as `in`, but one statement serves lists of every length."""

    lookup_name = "one_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, column_params = self.process_lhs(compiler, connection)
        texts, texts_params = self.process_rhs(compiler, connection)
        return f"{column} = ANY({texts}::text[])", [*column_params, *texts_params]

"""Which cells of a file's row make which column, and by which rule.

A mapping is JSON: for each column of ours one rule, and under "ignored" the headers that are left alone on
purpose. docs/importing.md describes the rules; `mapping_checks.check` judges them, `conversions` reads cells by them.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from operator import itemgetter
from typing import Any, Self

from catalog.imports.columns import Column, Target, column_name
from catalog.imports.errors import ImportRefused
from catalog.imports.mapping.aliases import recognised
from catalog.imports.mapping.checks import IGNORED, check_rules, sources
from catalog.imports.mapping.conversions import Memo, converter, labelled, sentence
from catalog.imports.mapping.makes import known_makes

Pick = Callable[[list[str]], tuple[str, ...]]
Rule = dict[str, Any]
__all__ = ["Mapping", "Pick", "bind", "check", "recognised", "titles", "untitled"]
ERROR_HEADER = "error"  # the column that the file of rejected rows adds; nobody has to map it
MOST_WARNINGS = 10  # of unknown headers
LONGEST_TITLE = 200  # characters
SHOWN = 60  # characters of a title in a sentence


@dataclass(frozen=True)
class Mapping:
    """How a row of the file becomes texts of our columns, and what to say about the headers.

    `pick` makes of a row's cells one text for each of `staged`. `columns` are those of them that count: all,
    but for the ones that a person left out, in the target's order. `unknown` are headers that mean no column
    and that nobody mapped or ignored; `missing` the columns of which one is needed and none is there;
    `repeated` columns that the header names twice, which stay out until the mapping says which one; `absent`
    headers that the mapping names and the file does not have. A text that ends with `conversions.UNREAD` could
    not be converted; what to say of it stands in `unreadable` under the column's name.
    """

    staged: tuple[Column, ...]
    pick: Pick
    columns: tuple[Column, ...]
    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unreadable: dict[str, str] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        return any(column.name == name for column in self.columns)

    def refusal(self, header: list[str], target: Target) -> str:
        """Return, in one sentence, why only a person can say what this header means; empty where it is clear."""
        if self.repeated:
            return f"The header names the column {self.repeated[0]!r} twice."
        if self.missing:
            wanted = " or ".join(repr(name) for name in target.needs)
            return f"The header has no {wanted} column; it has {_listed(header)}."
        return ""

    def without(self, names: list[str]) -> Self:
        """Return the mapping without the columns that a person left out."""
        return replace(self, columns=tuple(column for column in self.columns if column.name not in names))


def bind(header: list[str], target: Target, mapping: dict[str, Any]) -> Mapping:
    """Apply a stored mapping to a file's header; a header with the name of a column needs no rule.

    Raises ImportRefused only for a mapping that is none. This causes SQL queries where a rule splits off a make.
    """
    if wrong := check_rules(mapping, target):
        raise ImportRefused(f"The mapping of the columns cannot be used: {wrong[0]}")
    places = {column_name(title): place for place, title in enumerate(titles(header))}
    rules = _rules(header, target, mapping)
    usable = {
        name: rule for name, rule in rules.items() if all(column_name(t) in places for t in sources(rule))
    }
    absent = dict.fromkeys(
        t for rule in rules.values() for t in sources(rule) if column_name(t) not in places
    )
    unknown = tuple(_unknown(header, target, mapping))
    staged, pick = _picker(usable, target, places)
    return Mapping(
        staged=staged,
        pick=pick,
        columns=tuple(column for column in target.columns if column.name in usable),
        unknown=unknown,
        missing=() if usable.keys() & set(target.needs) else target.needs,
        repeated=tuple(
            sorted(name for name in _repeated(header) & target.by_name.keys() if name not in mapping)
        ),
        absent=tuple(absent),
        warnings=(
            *(_absent(title) for title in absent),
            *(_unknown_header(title, target) for title in unknown[:MOST_WARNINGS]),
            *_more(len(unknown) - MOST_WARNINGS),
        ),
        unreadable={name: said for name, rule in usable.items() if (said := sentence(rule))},
    )


def titles(header: list[str]) -> list[str]:
    """Return a title for each column of the file, each different from the others.

    Mappings name a file's columns by these: blanks are evened out, a column without a title is called by its
    place (Column 3), of columns titled alike the second is called Title (2), and of long titles the beginning counts.
    """
    given: list[str] = []
    taken: Counter[str] = Counter()  # how many titles began as this one
    for place, cell in enumerate(header, start=1):
        title = plain = " ".join(cell.split())[:LONGEST_TITLE].strip() or f"Column {place}"
        name = column_name(plain)
        while taken[column_name(title)]:
            taken[name] += 1
            title = f"{plain} ({taken[name]})"
        taken[column_name(title)] += 1
        given.append(title)
    return given


def check(mapping: Any, header: list[str], target: Target) -> list[str]:
    """Return what is wrong with a mapping for this file, a sentence each; `mapping` may be any JSON."""
    if wrong := check_rules(mapping, target):
        return wrong
    have = {column_name(title) for title in titles(header)}
    named = [(name, title) for name, rule in mapping.items() if name != IGNORED for title in sources(rule)]
    return [
        f"{name}: the file has no column '{title[:SHOWN]}'."
        for name, title in named
        if column_name(title) not in have
    ]


def untitled(header: list[str], rows: list[list[str]], mapping: dict[str, Any]) -> list[str]:
    """Return a sentence for each column that has cells in these rows, but no title, and that nothing uses."""
    settled = _settled(mapping)
    return [
        f"{title} has no title and was ignored."
        for place, (cell, title) in enumerate(zip(header, titles(header), strict=True))
        if not cell.strip()
        and column_name(title) not in settled
        and any(place < len(row) and row[place].strip() for row in rows)
    ][:MOST_WARNINGS]


def _settled(mapping: dict[str, Any]) -> set[str]:
    """Return the names of the file's columns that the mapping reads or ignores."""
    used = [title for name, rule in mapping.items() if name != IGNORED for title in sources(rule)]
    return {column_name(title) for title in [*used, *mapping.get(IGNORED, [])]}


def _rules(header: list[str], target: Target, mapping: dict[str, Any]) -> dict[str, Rule]:
    """Return the rule of each column: the mapping's, else the header of the column's own name where there is one."""
    ignored = {column_name(title) for title in mapping.get(IGNORED, [])}
    repeated = _repeated(header)
    own = {
        name: {"header": title}
        for title in titles(header)
        if (name := column_name(title)) in target.by_name and name not in ignored and name not in repeated
    }
    return own | {name: rule for name, rule in mapping.items() if name in target.by_name}


def _repeated(header: list[str]) -> set[str]:
    """Return the names that more than one cell of the header has."""
    names = [column_name(cell) for cell in header if cell.strip()]
    return {name for name, count in Counter(names).items() if count > 1}


def _unknown(header: list[str], target: Target, mapping: dict[str, Any]) -> Iterator[str]:
    """Yield the titles that nothing accounts for; of a column named twice both, until the mapping says which."""
    settled = _settled(mapping) | {ERROR_HEADER}
    repeated = _repeated(header)
    for cell, title in zip(header, titles(header), strict=True):
        name = column_name(cell)
        by_name = name in target.by_name and (name in mapping or name not in repeated)
        if name and not by_name and column_name(title) not in settled:
            yield title


def _picker(
    rules: dict[str, Rule], target: Target, places: dict[str, int]
) -> tuple[tuple[Column, ...], Pick]:
    """Return the columns in the order in which `pick` gives their texts, and `pick`.

    Cells that are taken as they stand come first, by one itemgetter for all of them, so that a file with our own
    headers costs nothing more. Converted texts are kept, so that each distinct cell is converted once.
    """
    plain = [name for name, rule in rules.items() if rule.keys() == {"header"}]
    fixed = [name for name, rule in rules.items() if "constant" in rule]
    made = [name for name in rules if name not in {*plain, *fixed}]
    cells_of = _getter([places[column_name(rules[name]["header"])] for name in plain])
    constants = tuple(rules[name]["constant"] for name in fixed)
    makes = (
        known_makes() if any(rules[name].get("part") in {"make", "model"} for name in made) else frozenset()
    )
    memos = []
    for name in made:
        rule = rules[name]
        positions = [places[column_name(title)] for title in sources(rule)]
        convert = labelled(rule) if "labels" in rule else converter(rule, target.by_name[name], makes)
        memos.append((_getter(positions), Memo(convert)))
    staged = tuple(target.by_name[name] for name in (*plain, *fixed, *made))
    if not fixed and not made:
        return staged, cells_of

    def pick(cells: list[str]) -> tuple[str, ...]:
        return (*cells_of(cells), *constants, *[memo[get(cells)] for get, memo in memos])

    return staged, pick


def _getter(positions: list[int]) -> Pick:
    if len(positions) > 1:
        return itemgetter(*positions)
    if not positions:
        return lambda _cells: ()
    position = positions[0]
    return lambda cells: (cells[position],)


def _listed(header: list[str]) -> str:
    shown = [repr(title.strip()[:40]) for title in header[:12] if title.strip()]
    return ", ".join(shown) + (" and more" if len(header) > len(shown) else "")


def _absent(title: str) -> str:
    return f"The mapping takes a column '{title[:SHOWN]}', which the file does not have."


def _more(count: int) -> list[str]:
    return [f"{count:,} more columns are unknown and were ignored."] if count > 0 else []


def _unknown_header(title: str, target: Target) -> str:
    close = get_close_matches(column_name(title)[:SHOWN], target.by_name, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"The column '{title[:SHOWN]}' is unknown and was ignored.{hint}"

"""Between the form that matches a file's columns and the stored mapping: one into the other and back.

The form asks one thing of each title: where it goes, and how it is written. Lists below it say which words are
replaced, and which columns are made of several. What a mapping can say beyond that stays as rules in JSON.
"""

from dataclasses import dataclass, field
from typing import Any

from catalog.imports.columns import Reading, Target, column_name
from catalog.imports.mapping.checks import sources

Rule = dict[str, Any]
MONEY, CAR, RULE, LABEL = "money", "car", "rule", "label:"
WRITTEN = ("decimal", "date", "separator")  # conversions that one choice names, such as "date:dmy"
PARTS = {"make": "make", "model": "model"}
BETWEEN = {"blank": " ", "comma": ", ", "hyphen": "-", "nothing": ""}  # what stands between joined parts
MOST_PARTS = 4  # that a row of the form joins
MOST_JOINS = 20  # rows


@dataclass
class Match:
    """What is said of one title. `to`: a column of ours, MONEY, CAR, LABEL and a column, RULE, or "" to leave it out.

    RULE: it goes nowhere by itself, but is a part of something. `values`: words of its cells with what they become.
    """

    to: str = ""
    written: str = ""
    label: str = ""
    unit: str = ""
    factor: str = ""
    prefix: str = ""
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Join:
    """A column of ours that is made of titles, with a mark between them; of one title only, it is that title's cell."""

    column: str
    parts: list[str]
    between: str = " "

    @property
    def rule(self) -> Rule:
        if len(self.parts) == 1:
            return {"header": self.parts[0]}
        return {"join": self.parts, **({} if self.between == " " else {"with": self.between})}


@dataclass
class Matches:
    """What is said of a whole header; `titles` by the title's name, `rules` is what the form cannot show."""

    titles: dict[str, Match] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    joins: list[Join] = field(default_factory=list)
    rules: dict[str, Rule] = field(default_factory=dict)


def years_column(target: Target) -> str:
    return next((column.name for column in target.columns if column.reading is Reading.YEARS), "")


def car_parts(target: Target) -> dict[str, str]:
    """Return which part of a car's name goes into which column, where the target has all of them."""
    parts = {years_column(target): "year", **PARTS}
    return parts if parts.keys() <= target.by_name.keys() else {}


# From a mapping to the form


def matches_of(mapping: dict[str, Any], titles: list[str], target: Target) -> Matches:
    """Return what the form shows for this mapping; a title with the name of a column needs no rule."""
    found = Matches()
    rules = {name: rule for name, rule in mapping.items() if name in target.by_name}
    _take_groups(rules, target, found)
    for name, rule in rules.items():
        if not _take(name, rule, found):
            found.rules[name] = rule
    for rule in (*found.rules.values(), *(join.rule for join in found.joins)):
        for title in sources(rule):
            found.titles.setdefault(column_name(title), Match(to=RULE))
    ignored = {column_name(title) for title in mapping.get("ignored", [])}
    for title in titles:
        name = column_name(title)
        by_name = name in target.by_name and name not in ignored and name not in mapping
        found.titles.setdefault(name, Match(to=name if by_name else ""))
    return found


def _take_groups(rules: dict[str, Rule], target: Target, found: Matches) -> None:
    """Take the rules of one title that fills several columns: an amount with its currency, the name of a car."""
    price, currency = rules.get("price", {}), rules.get("currency", {})
    same = price.get("header") == currency.get("header") and currency.get("part") == "currency"
    if same and price.keys() - {"values"} == {"header", "decimal"}:
        found.titles[column_name(price["header"])] = Match(
            MONEY, f"decimal:{price['decimal']}", values=dict(price.get("values", {}))
        )
        if "otherwise" in currency:
            found.constants["currency"] = currency["otherwise"]
        del rules["price"], rules["currency"]
    parts = car_parts(target)
    heads = {rules.get(name, {}).get("header") for name in parts}
    if (
        parts
        and len(heads) == 1
        and all(rules.get(name, {}).get("part") == part for name, part in parts.items())
    ):
        found.titles[column_name(rules["make"]["header"])] = Match(CAR)
        for name in parts:
            del rules[name]


def _take(name: str, rule: Rule, found: Matches) -> bool:
    """Take one rule into the form; return False where the form has no place for it."""
    if "constant" in rule:
        found.constants[name] = rule["constant"]
        return True
    if join := _joined(name, rule, found):
        found.joins.append(join)
        return True
    matches = _labelled(name, rule) if "labels" in rule else _plain(name, rule)
    if not matches or matches.keys() & found.titles.keys():
        return False
    found.titles |= matches
    return True


def _joined(name: str, rule: Rule, found: Matches) -> Join | None:
    """Return the row that says what the rule says: several titles, or one that goes elsewhere already."""
    again = rule.keys() == {"header"} and column_name(rule["header"]) in found.titles
    join = Join(name, sources(rule), rule.get("with", " "))
    fits = len(join.parts) <= MOST_PARTS and len(found.joins) < MOST_JOINS
    several = len(join.parts) > 1 and rule.keys() <= {"join", "with"} and join.between in BETWEEN.values()
    return join if fits and (again or several) else None


def _plain(name: str, rule: Rule) -> dict[str, Match]:
    more = rule.keys() - {"header", "values"}
    if "header" not in rule or len(more) > 1 or not more <= {*WRITTEN, "prefix"}:
        return {}
    match = Match(name, prefix=rule.get("prefix", ""), values=dict(rule.get("values", {})))
    for key in more & {*WRITTEN}:
        match.written = f"{key}:{rule[key]}"
    return {column_name(rule["header"]): match}


def _labelled(name: str, rule: Rule) -> dict[str, Match]:
    matches: dict[str, Match] = {}
    for label, source in rule["labels"].items():
        given = {"header": source} if isinstance(source, str) else source
        title = column_name(given["header"])
        if title in matches:
            return {}
        matches[title] = Match(
            f"{LABEL}{name}",
            written=f"decimal:{given['decimal']}" if "decimal" in given else "",
            label=label,
            unit=given.get("unit", ""),
            factor=f"{given['factor']:g}" if "factor" in given else "",
        )
    return matches


# From the form to a mapping


def mapping_of(found: Matches, target: Target) -> Rule:
    """Return the mapping that these matches mean; their `titles` are named here as the file has them.

    The rules go first: a column that they fill is not filled by a title as well.
    """
    made: dict[str, Any] = {join.column: join.rule for join in found.joins}
    for title, match in found.titles.items():
        for name, rule in _rules_of(title, match, found.constants, target).items():
            if "labels" in rule and name in made:
                made[name]["labels"] |= rule["labels"]
            else:
                made[name] = rule
    fixed = {name: {"constant": text} for name, text in found.constants.items() if name not in made}
    parts = {title for join in found.joins for title in join.parts}
    ignored = [title for title, match in found.titles.items() if not match.to and title not in parts]
    return {**made, **fixed, **found.rules, **({"ignored": ignored} if ignored else {})}


def columns_of(match: Match, target: Target) -> list[str]:
    """Return which columns of ours a match fills; several titles may share a column of labels."""
    if match.to == MONEY:
        return ["price", "currency"]
    if match.to == CAR:
        return list(car_parts(target))
    return [match.to] if match.to in target.by_name else []


def _rules_of(title: str, match: Match, constants: dict[str, str], target: Target) -> dict[str, Rule]:
    values = {"values": match.values} if match.values else {}
    if match.to == MONEY:
        otherwise = {"otherwise": constants["currency"]} if "currency" in constants else {}
        decimal = match.written.partition(":")[2] if match.written.startswith("decimal:") else "."
        return {
            "price": {"header": title, "decimal": decimal, **values},
            "currency": {"header": title, "part": "currency", **otherwise},
        }
    if match.to == CAR:
        return {name: {"header": title, "part": part} for name, part in car_parts(target).items()}
    if match.to.startswith(LABEL):
        return {match.to.removeprefix(LABEL): {"labels": {match.label or title: _source(title, match)}}}
    if match.to in target.by_name:
        key, _, value = match.written.partition(":")
        written = {key: value} if key else {}
        prefix = {"prefix": match.prefix} if match.prefix else {}
        return {match.to: {"header": title, **written, **prefix, **values}}
    return {}


def _source(title: str, match: Match) -> str | Rule:
    """Return where a label's value comes from, in the short way where nothing is converted."""
    if not (match.unit or match.factor or match.written):
        return title
    source: Rule = {"header": title}
    if match.written.startswith("decimal:"):
        source["decimal"] = match.written.partition(":")[2]
    if match.unit:
        source["unit"] = match.unit
    if match.factor:
        source["factor"] = float(match.factor)
    return source

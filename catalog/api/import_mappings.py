"""What the API takes about columns, judged by the run's sheets; what is wrong is told with a pointer to it."""

from typing import Any

from rest_framework.exceptions import ErrorDetail, ValidationError

from catalog.api.writing.rows import RULE
from catalog.imports.columns import TARGETS, Target
from catalog.imports.mapping.binding import check
from catalog.models import ImportRun
from marketplace.parameters import shown

Faults = dict[str, Any]


def mappings_of(run: ImportRun, sheets: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Return the mappings by the positions of the run's sheets; raise ValidationError where one cannot be used."""
    known = {sheet.position: sheet for sheet in run.sheets.all()}
    given: dict[int, dict[str, Any]] = {}
    faults: list[Faults] = []
    for each in sheets:
        position, mapping, fault = each["position"], each["mapping"], {}
        if position not in known:
            fault = {"position": [ErrorDetail(f"The import has no sheet {position}.", code="does_not_exist")]}
        elif position in given:
            fault = {"position": [ErrorDetail(f"Sheet {position} is given twice.", code="repeated")]}
        else:
            sheet = known[position]
            target = TARGETS[sheet.target]
            fault = by_rule(check(mapping, sheet.header, target), target)
        faults.append(fault)
        given[position] = mapping
    if any(faults):
        raise ValidationError({"sheets": faults})
    return given


def by_rule(sentences: list[str], target: Target) -> Faults:
    """Return the sentences as faults of the field `mapping`, each at the rule of the column that it begins with."""
    if not sentences:
        return {}
    rules: dict[str, list[ErrorDetail]] = {}
    told = [ErrorDetail(sentence, code=RULE) for sentence in sentences]
    for sentence in told:
        name = sentence.partition(":")[0]
        if name not in target.by_name:
            return {"mapping": told}
        rules.setdefault(name, []).append(sentence)
    return {"mapping": rules}


def refuse_unknown_columns(run: ImportRun, body: dict[str, Any]) -> None:
    """Raise ValidationError where a body that leaves columns out names a sheet or columns that there are not."""
    sheet = run.sheets.filter(position=body["sheet"]).first()
    if sheet is None:
        raise ValidationError(
            {"sheet": ErrorDetail(f"The import has no sheet {body['sheet']}.", code="does_not_exist")}
        )
    target = TARGETS[sheet.target]
    faults = {
        str(index): [ErrorDetail(f"{shown(name)} is no column of {target.name} rows.", code="does_not_exist")]
        for index, name in enumerate(body["columns"] or ())
        if name not in target.by_name
    }
    if faults:
        raise ValidationError({"columns": faults})

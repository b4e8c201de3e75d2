"""Pytest plugin: the embedded services are up before Django's settings read their addresses.

It also says loudly, at the end of a run, when the tests in a browser did not run.
"""

import pytest

from marketplace import embedded
from marketplace.processes import EmbeddedError


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    try:
        embedded.start()
    except EmbeddedError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [
        report
        for report in terminalreporter.getreports("skipped")
        if "browser" in getattr(report, "keywords", {})
    ]
    if not skipped:
        return
    reasons = {
        report.longrepr[2].removeprefix("Skipped: ")
        for report in skipped
        if isinstance(report.longrepr, tuple)
    }
    terminalreporter.section("browser tests were NOT run", sep="!", red=True, bold=True)
    terminalreporter.line(
        f"WARNING: {len(skipped)} browser tests were skipped. {' '.join(sorted(reasons))}", red=True
    )

"""A log line tells which request caused it."""

import logging

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from marketplace.requests import LogFormatter, keep_facts

logger = logging.getLogger("catalogue.tests")


@pytest.fixture
def lines():
    """Return the list of lines that the formatter makes of what is logged."""
    made: list[str] = []
    handler = logging.Handler()
    handler.setFormatter(LogFormatter("{levelname} {message}"))
    handler.emit = lambda record: made.append(handler.format(record))  # type: ignore[method-assign]
    logger.addHandler(handler)
    yield made
    logger.removeHandler(handler)


def test_line_outside_of_requests_is_as_it_is(lines):
    logger.warning("Disk is full.")
    assert lines == ["WARNING Disk is full."]


def test_line_of_a_request_ends_with_its_id(lines):
    def view(request):
        logger.warning("Disk is full.")
        return HttpResponse()

    answer = keep_facts(view)(RequestFactory().get("/"))

    assert lines == [f"WARNING Disk is full. [request {answer.headers['X-Request-ID']}]"]
    logger.warning("Later.")
    assert lines[1:] == ["WARNING Later."]


def test_line_about_a_request_that_is_over_has_its_id(lines):
    request = RequestFactory().get("/")
    answer = keep_facts(lambda request: HttpResponse())(request)

    logger.warning("Not Found.", extra={"request": request})

    assert lines == [f"WARNING Not Found. [request {answer.headers['X-Request-ID']}]"]


def test_id_stands_before_the_traceback(lines):
    def view(request):
        try:
            int("No.")
        except ValueError:
            logger.exception("Failed.")
        return HttpResponse()

    answer = keep_facts(view)(RequestFactory().get("/"))

    first, *traceback = lines[0].splitlines()
    assert first == f"ERROR Failed. [request {answer.headers['X-Request-ID']}]"
    assert traceback[-1] == "ValueError: invalid literal for int() with base 10: 'No.'"

"""Who stands behind what the database writes by itself: history rows and the record of rights and deletions."""

from typing import Any

from django.http import HttpRequest
from pghistory import middleware

from marketplace.requests import facts


class HistoryMiddleware(middleware.HistoryMiddleware):
    """Tells the database with each write of a request whose it is; the triggers keep it with the rows.

    Beside the account and the path: the address, the device and the request's id. The account may be
    settled as late as in the view (a token's), whenever something sets `request.user`.
    """

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        here = facts()
        return {
            **super().get_context(request),
            "address": here.address,
            "device": here.device,
            "request_id": here.request_id,
        }

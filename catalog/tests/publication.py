"""Publishing, withdrawing and archiving in the admin as a person does it: choose, read the question, confirm."""

from typing import Any

from django.test import Client

PUBLISHED = "{} item changed; 0 were so already, or are gone."


def act(
    client: Client, action: str, *items: Any, page: str = "vehicle", query: str = "", **given: str
) -> Any:
    """Choose the items in the list, run the action on them and confirm; return the question and what came of it."""
    body: dict[str, Any] = {"action": action, "_selected_action": [item.pk for item in items], **given}
    address = f"/admin/catalog/{page}/{query}"
    asked = client.post(address, body, follow=True)
    return asked, client.post(address, body | confirmed(asked), follow=True)


def act_on_one(client: Client, verb: str, item: Any, **given: str) -> Any:
    """Press the button on the item's page and confirm; return the question and what came of it."""
    address = f"/admin/catalog/{item.kind}/{item.pk}/publication/{verb}/"
    asked = client.get(address)
    return asked, client.post(address, confirmed(asked) | given, follow=True)


def confirmed(asked: Any) -> dict[str, str]:
    """Return the fields by which a question is answered with yes."""
    return {"step": "confirm", "seen": (asked.context or {}).get("mark", "")}

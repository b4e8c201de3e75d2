"use strict";
// The menus above a list: columns move up and down, and a menu closes by Escape or a click beside it.
document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-columns] [data-move]");
    if (button) {
        const row = button.closest("li");
        const other = button.dataset.move === "up" ? row.previousElementSibling : row.nextElementSibling;
        if (other) {
            if (button.dataset.move === "up") other.before(row);
            else other.after(row);
            button.focus();
        }
        return;
    }
    for (const menu of document.querySelectorAll("details.list-menu[open]")) {
        if (!menu.contains(event.target)) menu.open = false;
    }
});
document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.list-menu[open]")) {
        menu.open = false;
        menu.querySelector("summary").focus();
    }
});

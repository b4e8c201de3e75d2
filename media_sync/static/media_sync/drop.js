/* Files that are dropped on the page: each is announced, sent, and checked, three at a time. Without this script,
   or where a browser cannot hash (no secure connection, very large files), the plain form brings them. */
"use strict";

(() => {
    const AT_ONCE = 3;
    const HASHED = 512 * 1024 * 1024; // bytes; a browser hashes a file as a whole, in memory
    const form = document.getElementById("drop");
    const [zone, input, told, bar, list, link] = ["zone", "files", "told", "bar", "list", "batch"].map((id) => document.getElementById(id));
    const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
    let isBusy = false;

    async function post(address, fields) {
        const body = new FormData();
        for (const [name, value] of Object.entries(fields)) body.append(name, value);
        const answer = await fetch(address, { method: "POST", body, headers: { "X-CSRFToken": token } });
        return answer.redirected ? {} : await answer.json();
    }

    async function hash(file) {
        const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
        return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
    }

    async function put(file, door) {
        const isOurs = new URL(door.url, location.href).origin === location.origin;
        const headers = isOurs ? { ...door.headers, "X-CSRFToken": token } : door.headers;
        const body = file.slice(door.offset, door.offset + door.size, "");
        const answer = await fetch(door.url, { method: "PUT", body, headers }).catch(() => null);
        if (answer?.ok) return;
        const why = isOurs ? (await answer?.json().catch(() => null))?.message : "";
        throw new Error(why || "It could not be sent; bring it again, and it goes on where it broke off.");
    }

    async function bring(addresses, { file, path }) {
        if (!window.crypto?.subtle || file.size > HASHED) {
            await post(addresses.send, { files: file });
            return { state: "sent" };
        }
        const row = await post(addresses.announce, { path, size: file.size, type: file.type, sha256: await hash(file) });
        if (!row.send?.length) return row;
        for (const door of row.send) await put(file, door);
        return await post(row.complete, {});
    }

    function tell(path, row) {
        const line = document.createElement("li");
        const what = row.item ? ` → ${row.item}` : "";
        line.textContent = `${path}${what}${row.message ? `: ${row.message}` : ""}`;
        if (!row.state || row.state === "refused") line.className = "refused";
        list.append(line);
    }

    async function bringAll(files) {
        if (isBusy || !files.length) return;
        isBusy = true;
        bar.hidden = false;
        bar.max = files.length;
        bar.value = 0;
        try {
            const addresses = await post(form.action, { begin: "1" });
            const left = files.slice();
            const worker = async () => {
                for (let next = left.shift(); next; next = left.shift()) {
                    const row = await bring(addresses, next).catch((error) => ({ message: error.message || String(error) }));
                    tell(next.path, row);
                    bar.value += 1;
                    told.textContent = `${bar.value} of ${files.length} files`;
                }
            };
            await Promise.all(Array.from({ length: AT_ONCE }, worker));
            await post(addresses.finish, {});
            link.href = addresses.change;
            link.hidden = false;
            link.focus();
        } catch (error) {
            told.textContent = "The files could not be brought; sign in again, or try later.";
        }
        isBusy = false;
    }

    async function entriesOf(entry, folder) {
        if (entry.isFile) {
            const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
            return [{ file, path: folder + file.name }];
        }
        const reader = entry.createReader();
        const found = [];
        for (;;) { // a reader gives a hundred at a time
            const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
            if (!some.length) return found;
            for (const each of some) found.push(...await entriesOf(each, `${folder}${entry.name}/`));
        }
    }

    async function dropped(transfer) {
        const entries = Array.from(transfer.items || [], (item) => item.webkitGetAsEntry?.()).filter(Boolean);
        if (!entries.length) return Array.from(transfer.files, (file) => ({ file, path: file.name }));
        const found = [];
        for (const entry of entries) found.push(...await entriesOf(entry, ""));
        return found;
    }

    // The theme looks for a text beside every choice of files, to show its name in.
    zone.addEventListener("change", (event) => event.stopPropagation(), true);
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        bringAll(Array.from(input.files, (file) => ({ file, path: file.webkitRelativePath || file.name })));
    });
    for (const name of ["dragenter", "dragover"]) zone.addEventListener(name, (event) => {
        event.preventDefault();
        zone.classList.add("over");
    });
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
    zone.addEventListener("drop", async (event) => {
        event.preventDefault();
        zone.classList.remove("over");
        bringAll(await dropped(event.dataTransfer));
    });
})();

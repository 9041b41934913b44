"use strict";
// Search, filter and sort the entries; open what folds before it is printed, and where a link leads.
const MOST = 50;
const FEW = 12;
const table = document.getElementById("table");
if (table) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const fields = ["search", "status", "device"].map((id) => document.getElementById(id));
  const [search, status, device] = fields;
  const shown = document.getElementById("shown");
  const all = document.getElementById("all");
  let most = MOST;
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of body.rows) {
      const fits =
        words.every((word) => row.dataset.searched.includes(word)) &&
        (!status.value || row.dataset.status === status.value) &&
        (!device?.value || row.dataset.device === device.value);
      count += fits;
      row.hidden = !fits;
      row.classList.toggle("later", fits && count > most);
    }
    const visible = Math.min(count, most);
    shown.textContent = count < rows.length || visible < count ? `${visible} of ${rows.length} entries` : "";
    all.hidden = visible === count;
    all.textContent = `Show all ${count}`;
  };
  const sortBy = (heading, place) => {
    const before = heading.getAttribute("aria-sort");
    const descending = before === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    if (before === "descending") {
      body.append(...rows);
      filter();
      return;
    }
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const keys = new Map(rows.map((row) => [row, row.cells[place].dataset.sort ?? row.cells[place].textContent]));
    const number = heading.classList.contains("number");
    const compare = (a, b) => (number ? Number(a) - Number(b) : a.localeCompare(b));
    body.append(
      ...[...rows].sort((one, other) => {
        const [a, b] = [keys.get(one), keys.get(other)];
        if (!a || !b) return (a ? 0 : 1) - (b ? 0 : 1);
        return descending ? compare(b, a) : compare(a, b);
      }),
    );
    filter();
  };
  [...table.tHead.rows[0].cells].forEach((heading, place) => {
    const button = document.createElement("button");
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortBy(heading, place));
    heading.append(button);
  });
  for (const field of fields) field?.addEventListener("input", filter);
  all.addEventListener("click", () => {
    most = Infinity;
    filter();
  });
  document.getElementById("filters").hidden = rows.length < FEW;
  filter();
}
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const one of opened) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of opened) one.open = false;
});

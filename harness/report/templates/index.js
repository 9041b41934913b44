"use strict";
const rows = [...document.querySelectorAll("tbody tr")];
const [search, status, device] = ["search", "status", "device"].map((id) => document.getElementById(id));
const shown = document.getElementById("shown");
function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of rows) {
    const fits =
      words.every((word) => row.dataset.searched.includes(word)) &&
      (!status.value || row.dataset.status === status.value) &&
      (!device.value || JSON.parse(row.dataset.devices).includes(device.value));
    row.hidden = !fits;
    count += fits;
  }
  shown.textContent = `${count} of ${rows.length} runs`;
}
for (const field of [search, status, device]) field.addEventListener("input", filter);
document.getElementById("filters").hidden = false;
filter();

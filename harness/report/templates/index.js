"use strict";
const rows = [...document.querySelectorAll("tbody tr")].map((row) => ({ ...row.dataset, devices: JSON.parse(row.dataset.devices), row }));
const [search, status, device, branch] = ["search", "status", "device", "branch"].map((id) => document.getElementById(id));
const shown = document.getElementById("shown");
function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const one of rows) {
    const fits =
      words.every((word) => one.searched.includes(word)) &&
      (!status.value || one.status === status.value) &&
      (!device.value || one.devices.includes(device.value)) &&
      (!branch?.value || one.branch === branch.value);
    one.row.hidden = !fits;
    count += fits;
  }
  shown.textContent = `${count} of ${rows.length} runs`;
}
for (const field of [search, status, device, branch]) field?.addEventListener("input", filter);
document.getElementById("filters").hidden = false;
filter();

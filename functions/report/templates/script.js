"use strict";
const table = document.getElementById("table");
const rows = [...table.tBodies];
const controls = ["search", "priority", "agent", "signal", "kind", "topic"].map((id) => document.getElementById(id));
const [search, priority, agent, signal, kind, topic] = controls;
const shown = document.getElementById("shown");
const signals = {
  risk: (row) => "high" in row.dataset,
  buy: (row) => row.dataset.wants !== "",
  unsure: (row) => "unsure" in row.dataset,
  answered: (row) => row.dataset.state === "answered" || row.dataset.state === "auto_resolved",
  auto_resolved: (row) => row.dataset.state === "auto_resolved",
  answer_ready: (row) => row.dataset.state === "answer_ready",
};

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of rows) {
    const fits = (!priority.value || row.dataset.priority === priority.value)
      && (!agent.value || row.dataset.agent === agent.value)
      && (!kind.value || row.dataset.kind === kind.value)
      && (!topic.value || row.dataset.topic === topic.value)
      && (!signal.value || signals[signal.value](row))
      && words.every((word) => row.dataset.text.includes(word));
    row.hidden = !fits;
    count += fits ? 1 : 0;
  }
  shown.textContent = count === 0 ? "nothing fits these filters" : count + " shown";
}

function sort(button) {
  const head = button.closest("th");
  const descending = head.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.querySelectorAll("th")) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const key = button.dataset.sort;
  const numeric = ["id", "risk", "mrr"].includes(key);
  const compare = (a, b) => numeric
    ? Number(a.dataset[key]) - Number(b.dataset[key])
    : a.dataset[key].localeCompare(b.dataset[key]);
  rows.sort((a, b) => (descending ? compare(b, a) : compare(a, b)));
  table.append(...rows);
}

for (const control of controls) control.addEventListener("input", filter);
table.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.sort) return sort(button);
  const open = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!open));
  document.getElementById(button.getAttribute("aria-controls")).hidden = open;
});

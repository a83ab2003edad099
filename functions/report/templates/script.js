"use strict";
const $ = (id) => document.getElementById(id);
const known = JSON.parse($("index").textContent);
const table = $("table");
const rows = [...table.tBodies];
const alerts = [...document.querySelectorAll(".alert")];
const panels = [...document.querySelectorAll(".panel")];
const accounts = [...document.querySelectorAll("#accounts tbody tr")];
const controls = [...document.querySelectorAll(".filters input, .filters select")];
const shown = $("shown");
const MOST_ELSEWHERE = 100;

// Every ticket of the period that the page knows of, newest first.
const tickets = known.tickets.map(([id, customer, priority, team, language, risk, wants, state, before]) => ({
  id, customer: known.customers[customer], priority: `P${priority}`, team: known.teams[team], language: known.words[language],
  risk, wants: known.words[wants], state: known.words[state], at: (known.now - before * 60) * 1000,
}));
const byId = new Map(tickets.map((ticket) => [String(ticket.id), ticket]));
const onPage = new Set(rows.map((row) => row.dataset.id));

// Who looks after an account, and how far they are.
const told = new Map();
for (const { dataset } of [...alerts, ...accounts]) {
  if (!dataset.owner) continue;
  if (!told.has(dataset.customer)) told.set(dataset.customer, { owners: new Set(), states: new Set() });
  told.get(dataset.customer).owners.add(dataset.owner);
  told.get(dataset.customer).states.add(dataset.state);
}

const signals = {
  risk: (row) => "high" in row.dataset,
  buy: (row) => row.dataset.wants !== "",
  unsure: (row) => "unsure" in row.dataset,
  answered: (row) => row.dataset.state === "answered" || row.dataset.state === "auto_resolved",
  auto_resolved: (row) => row.dataset.state === "auto_resolved",
  answer_ready: (row) => row.dataset.state === "answer_ready",
};
const elsewhereSignals = {
  risk: (ticket) => ticket.risk >= known.high,
  buy: (ticket) => ticket.wants !== "",
  unsure: () => false,
  answered: (ticket) => ticket.state === "answered" || ticket.state === "auto_resolved",
  auto_resolved: (ticket) => ticket.state === "auto_resolved",
  answer_ready: (ticket) => ticket.state === "answer_ready",
};

function fitsView(ticket, view, since) {
  const account = told.get(ticket.customer);
  return (!view.team || ticket.team.id === view.team)
    && (!view.language || ticket.language === view.language)
    && (!view.account || ticket.customer === view.account)
    && ticket.at >= since
    && (!view.owner || account?.owners.has(view.owner))
    && (!view.state || account?.states.has(view.state));
}

function text(row) {
  row.words ??= row.textContent.toLowerCase();
  return row.words;
}

let inView = tickets;

function filter() {
  const view = Object.fromEntries(controls.map((control) => [control.id, control.value]));
  const since = view.period ? known.now * 1000 - Number(view.period) * 86_400_000 : -Infinity;
  const words = view.search.toLowerCase().split(/\s+/).filter(Boolean);
  const holds = (where) => words.every((word) => where.includes(word));
  const ofView = new Set(tickets.filter((ticket) => fitsView(ticket, view, since)));

  const found = new Set();
  for (const row of rows) {
    const ticket = byId.get(row.dataset.id);
    const fits = (!ticket || ofView.has(ticket))
      && (!view.priority || row.dataset.priority === view.priority)
      && (!view.kind || row.dataset.kind === view.kind)
      && (!view.topic || row.dataset.topic === view.topic)
      && (!view.signal || signals[view.signal](row))
      && holds(text(row));
    row.hidden = !fits;
    if (fits) found.add(row.dataset.id);
  }
  // What is not on the page is known by its labels only.
  const elsewhere = view.kind || view.topic ? [] : tickets.filter((ticket) => !onPage.has(String(ticket.id)) && ofView.has(ticket)
    && (!view.priority || ticket.priority === view.priority)
    && (!view.signal || elsewhereSignals[view.signal](ticket))
    && holds(`#${ticket.id} ${ticket.customer} ${ticket.team.title}`.toLowerCase()));
  inView = [...tickets.filter((ticket) => found.has(String(ticket.id))), ...elsewhere];
  const filtered = controls.some((control) => control.value);
  listElsewhere(filtered ? elsewhere : []);
  shown.textContent = inView.length === 0 ? "nothing fits these filters" : `${found.size} shown` + (elsewhere.length ? `, ${elsewhere.length} older` : "");

  const customers = new Set([...ofView].map((ticket) => ticket.customer));
  const own = ({ dataset }) => (!view.owner || dataset.owner === view.owner) && (!view.state || dataset.state === view.state);
  const narrow = view.team || view.language || view.period || view.account;
  for (const row of accounts) row.hidden = !(own(row) && (!narrow || customers.has(row.dataset.customer)));
  for (const panel of panels) panel.hidden = Boolean(narrow) && !customers.has(panel.dataset.customer);
  for (const alert of alerts) {
    const ticket = byId.get(alert.dataset.ticket);
    alert.hidden = !(own(alert) && (ticket ? ofView.has(ticket) : !narrow || alert.dataset.customer === view.account));
  }
  const drawn = view.priority || view.signal || words.length || view.kind || view.topic ? inView : [...ofView];
  draw(filtered && known.whole ? drawn : null);
  count(filtered ? drawn : null);
  $("partly").hidden = !filtered;
  remember(view);
}

// The charts over these tickets, on the scale they have for all; null: as they came.
function draw(of) {
  for (const chart of document.querySelectorAll("svg[data-top]")) {
    const top = Number(chart.dataset.top);
    for (const column of chart.querySelectorAll("g[data-day]")) {
      const those = of?.filter((ticket) => day(ticket.at) === column.dataset.day);
      const counts = those ? [those.length, those.filter((ticket) => ticket.priority < "P2").length] : column.dataset.counts.split(" ").map(Number);
      [...column.querySelectorAll(".all, .risk")].forEach((rect, which) => {
        const high = counts[which] / top * 140;
        rect.setAttribute("y", 150 - high);
        rect.setAttribute("height", high);
      });
    }
  }
  for (const bar of document.querySelectorAll("g[data-bar]")) {
    const count = of ? of.filter((ticket) => ticket.priority === bar.dataset.bar || ticket.team.title === bar.dataset.bar).length : Number(bar.dataset.count);
    bar.querySelector("rect").setAttribute("width", `${count / Number(bar.dataset.most) * 56}%`);
    bar.querySelector(".value").textContent = count.toLocaleString("en");
  }
}

// The headline figures of these tickets; null: as they came.
function count(of) {
  for (const tile of document.querySelectorAll(".tiles > div")) {
    const [figure, note, told] = [".figure", ".note", ".told"].map((part) => tile.querySelector(part));
    const { counts, days } = tile.dataset;
    tile.figure ??= figure.textContent;
    tile.viewed ??= note.appendChild(document.createElement("span"));
    const follows = of && known.whole && counts;
    const since = days ? (known.now - days * 86_400) * 1000 : -Infinity;
    const fits = counts === "all" ? () => true : counts === "urgent" ? (ticket) => ticket.priority < "P2" : elsewhereSignals[counts];
    figure.textContent = follows ? of.filter((ticket) => ticket.at > since && fits(ticket)).length.toLocaleString("en") : tile.figure;
    told.hidden = Boolean(follows);
    tile.viewed.textContent = follows ? (days ? `of this view, in ${days} days` : "of this view") : of ? "; of all tickets, not of this view" : "";
  }
}

const days = new Intl.DateTimeFormat("en-CA", { timeZone: known.zone, year: "numeric", month: "2-digit", day: "2-digit" });
function day(at) {
  return days.format(at);
}

function listElsewhere(found) {
  const list = $("elsewhere");
  list.hidden = found.length === 0;
  list.querySelector("ul").replaceChildren(...found.slice(0, MOST_ELSEWHERE).map((ticket) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = known.link + ticket.id;
    link.textContent = `#${ticket.id}`;
    item.append(link, ` ${ticket.priority} ${ticket.customer}, ${ticket.team.title}, ${day(ticket.at)}`);
    return item;
  }));
  list.querySelector("p").textContent = found.length > MOST_ELSEWHERE ? `and ${found.length - MOST_ELSEWHERE} more; the CSV has all` : "";
}

function remember(view) {
  const query = new URLSearchParams(Object.entries(view).filter(([, value]) => value)).toString();
  try {
    history.replaceState(null, "", (query ? `?${query}` : location.pathname) + location.hash);
  } catch {
    // A page that was opened from inside another program has no address of its own.
  }
}

// A cell that a spreadsheet would read as a formula stays text.
function cell(value) {
  const plain = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

function csv() {
  const head = ["ticket", "priority", "customer", "team", "language", "risk", "wants", "state", "time"];
  const lines = inView.map((ticket) => [ticket.id, ticket.priority, ticket.customer, ticket.team.id, ticket.language,
    ticket.risk, ticket.wants, ticket.state, new Date(ticket.at).toISOString()]);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([[head, ...lines].map((line) => line.map(cell).join(",") + "\r\n").join("")], { type: "text/csv" }));
  link.download = "tickets.csv";
  link.click();
  URL.revokeObjectURL(link.href);
}

async function copy() {
  try {
    await navigator.clipboard.writeText(location.href);
    $("copied").textContent = "copied";
  } catch {
    $("copied").textContent = "the address bar has the link";
  }
}

function sort(button) {
  const head = button.closest("th");
  const key = button.dataset.sort;
  const numeric = ["id", "risk", "mrr"].includes(key);
  const before = head.getAttribute("aria-sort");
  // Figures begin with the largest.
  const descending = before ? before === "ascending" : numeric;
  for (const other of table.tHead.querySelectorAll("th")) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const compare = (a, b) => numeric
    ? Number(a.dataset[key]) - Number(b.dataset[key])
    : a.dataset[key].localeCompare(b.dataset[key]);
  rows.sort((a, b) => (descending ? compare(b, a) : compare(a, b)));
  table.append(...rows);
}

function open(button, opened) {
  button.setAttribute("aria-expanded", String(opened));
  $(button.getAttribute("aria-controls")).hidden = !opened;
}

table.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.sort) return sort(button);
  open(button, button.getAttribute("aria-expanded") !== "true");
});
for (const control of controls) control.addEventListener("input", filter);
$("csv").addEventListener("click", csv);
$("copy").addEventListener("click", copy);
$("clear").addEventListener("click", () => {
  for (const control of controls) control.value = "";
  filter();
});
for (const time of document.querySelectorAll("time")) time.title = `${new Date(time.dateTime).toLocaleString()} where you are`;

const asked = new URLSearchParams(location.search);
for (const control of controls) if (asked.has(control.id)) control.value = asked.get(control.id);
if (controls.some((control) => control.value)) filter();
// An account's panel opens with the link to it.
function unfold() {
  const panel = location.hash && document.getElementById(location.hash.slice(1))?.closest(".panel");
  if (panel) panel.open = true;
}
addEventListener("hashchange", unfold);
unfold();
const target = location.hash && document.querySelector(`[aria-controls="${CSS.escape(location.hash.slice(1))}"]`);
if (target) {
  open(target, true);
  target.scrollIntoView();
}

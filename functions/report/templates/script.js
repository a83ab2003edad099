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
const labels = known.labels.map(([language, wants, state, kind, topic, marks]) => ({
  language: known.words[language], wants: known.words[wants], state: known.words[state],
  kind: known.words[kind], topic: known.words[topic], unsure: (marks & 1) !== 0, question: (marks & 2) !== 0,
}));
const tickets = known.tickets.map(([id, customer, priority, team, risk, common, before]) => ({
  id, customer: known.customers[customer], priority: `P${priority}`, team: known.teams[team], risk,
  at: (known.now - before * 60) * 1000, ...labels[common],
}));
const byId = new Map(tickets.map((ticket) => [String(ticket.id), ticket]));
const onPage = new Set(rows.map((row) => row.dataset.id));

// Who looks after an account, and how far they are.
const told = new Map();
for (const [customer, owner, state] of known.alerts) {
  const name = known.customers[customer];
  told.set(name, [...(told.get(name) ?? []), { owner: known.words[owner], state: known.words[state] }]);
}

const signals = {
  risk: (ticket) => ticket.risk >= known.high,
  buy: (ticket) => ticket.wants !== "",
  unsure: (ticket) => ticket.unsure,
  answered: (ticket) => ticket.state === "answered" || ticket.state === "auto_resolved",
  auto_resolved: (ticket) => ticket.state === "auto_resolved",
  answer_ready: (ticket) => ticket.state === "answer_ready",
};

function isOf(view, { owner, state }) {
  return (!view.owner || owner === view.owner) && (!view.state || state === view.state);
}

function hasAlertOf(view, customer) {
  return !(view.owner || view.state) || (told.get(customer) ?? []).some((alert) => isOf(view, alert));
}

function fitsView(ticket, view, since) {
  return (!view.team || ticket.team.id === view.team)
    && (!view.language || ticket.language === view.language)
    && (!view.account || ticket.customer === view.account)
    && ticket.at >= since
    && hasAlertOf(view, ticket.customer);
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

  const labelled = (ticket) => (!view.priority || ticket.priority === view.priority)
    && (!view.kind || ticket.kind === view.kind)
    && (!view.topic || ticket.topic === view.topic)
    && (!view.signal || signals[view.signal](ticket));

  const found = new Set();
  for (const row of rows) {
    const ticket = byId.get(row.dataset.id);
    row.hidden = !(ticket && ofView.has(ticket) && labelled(ticket) && holds(text(row)));
    if (!row.hidden) found.add(row.dataset.id);
  }
  // What is not on the page is known by its labels only.
  const elsewhere = tickets.filter((ticket) => !onPage.has(String(ticket.id)) && ofView.has(ticket) && labelled(ticket)
    && holds(`#${ticket.id} ${ticket.customer} ${ticket.team.title}`.toLowerCase()));
  inView = [...tickets.filter((ticket) => found.has(String(ticket.id))), ...elsewhere];
  const filtered = controls.some((control) => control.value);
  listElsewhere(filtered ? elsewhere : []);
  const unread = words.length && tickets.length > rows.length ? "; of older tickets subject and text are not searched" : "";
  shown.textContent = (inView.length === 0 ? "nothing fits these filters" : `${found.size} shown` + (elsewhere.length ? `, ${elsewhere.length} older` : "")) + unread;

  const customers = new Set([...ofView].map((ticket) => ticket.customer));
  const narrow = view.team || view.language || view.period || view.account;
  for (const row of accounts) row.hidden = !(isOf(view, row.dataset) && (!narrow || customers.has(row.dataset.customer)));
  for (const panel of panels) panel.hidden = !((!narrow || customers.has(panel.dataset.customer)) && hasAlertOf(view, panel.dataset.customer));
  for (const alert of alerts) {
    const ticket = byId.get(alert.dataset.ticket);
    alert.hidden = !(isOf(view, alert.dataset) && (ticket ? ofView.has(ticket) : !narrow || alert.dataset.customer === view.account));
  }
  const drawn = view.priority || view.signal || words.length || view.kind || view.topic ? inView : [...ofView];
  const of = filtered && known.whole ? drawn : null;
  draw(of);
  drawLoad(of);
  countTopics(of);
  count(filtered ? drawn : null);
  countListed(filtered);
  for (const note of document.querySelectorAll(".unfiltered")) note.hidden = !filtered;
  $("partly").hidden = !filtered;
  remember(view);
}

// The charts over these tickets, on the scale they have for all; null: as they came.
function draw(of) {
  for (const chart of document.querySelectorAll("svg[data-top]")) {
    const top = Number(chart.dataset.top);
    for (const column of chart.querySelectorAll("g[data-day]")) {
      const those = of?.filter((ticket) => day(ticket) === column.dataset.day);
      const counts = those ? [those.length, those.filter((ticket) => ticket.priority < "P2").length] : column.dataset.counts.split(" ").map(Number);
      [...column.querySelectorAll(".all, .front")].forEach((rect, which) => {
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
    const fits = counts === "all" ? () => true : counts === "urgent" ? (ticket) => ticket.priority < "P2" : signals[counts];
    figure.textContent = follows ? of.filter((ticket) => ticket.at > since && fits(ticket)).length.toLocaleString("en") : tile.figure;
    told.hidden = Boolean(follows);
    tile.viewed.textContent = follows ? (days ? `of this view, in ${days} days` : "of this view") : of ? "; of all tickets, not of this view" : "";
  }
}

const days = new Intl.DateTimeFormat("en-CA", { timeZone: known.zone, year: "numeric", month: "2-digit", day: "2-digit" });
function day(ticket) {
  ticket.day ??= days.format(ticket.at);
  return ticket.day;
}

const hours = new Intl.DateTimeFormat("en", { timeZone: known.zone, hour: "2-digit", hourCycle: "h23" });

// The tickets of the last seven days among these by team and two hours; null: as they came.
function drawLoad(of) {
  const since = (known.now - 7 * 86_400) * 1000;
  const recent = of?.filter((ticket) => ticket.at > since);
  const counts = new Map();
  for (const ticket of recent ?? []) {
    const slot = `${ticket.team.id} ${Math.floor(Number(hours.format(ticket.at)) / 2)}`;
    counts.set(slot, (counts.get(slot) ?? 0) + 1);
  }
  const most = Math.max(1, ...counts.values());
  for (const row of document.querySelectorAll("#load tr[data-team]")) {
    [...row.querySelectorAll("td")].forEach((cell, slot) => {
      cell.whole ??= [cell.textContent, cell.className];
      const now = counts.get(`${row.dataset.team} ${slot}`) ?? 0;
      [cell.textContent, cell.className] = of ? [now, `l${Math.ceil(4 * now / most)}`] : cell.whole;
    });
  }
}

// What these tickets are about; null: as they came.
function countTopics(of) {
  for (const row of document.querySelectorAll("#topics tr[data-topic]")) {
    const those = of?.filter((ticket) => ticket.topic === row.dataset.topic) ?? [];
    const questions = those.filter((ticket) => ticket.question);
    const covered = questions.filter((ticket) => ticket.state !== "routed").length;
    const cells = [...row.querySelectorAll("td.number")];
    const share = questions.length ? `${Math.round(100 * covered / questions.length)} %` : "–";
    const figures = cells.length > 1 ? [those.length, questions.length, share] : [questions.length - covered];
    cells.forEach((cell, which) => {
      cell.whole ??= cell.textContent;
      cell.textContent = of ? figures[which].toLocaleString("en") : cell.whole;
    });
    row.hidden = Boolean(of) && figures[0] === 0;
  }
}

// The headings that tell what a list adds up to, where the page holds all of it.
function countListed(filtered) {
  for (const figure of document.querySelectorAll(".counted, #money")) {
    figure.whole ??= figure.textContent;
    const section = figure.closest("section");
    const visible = (selector) => [...section.querySelectorAll(selector)].filter((one) => !one.hidden);
    let now;
    if (figure.id === "money") {
      const money = visible("tbody tr").reduce((sum, row) => sum + Number(row.dataset.money), 0);
      const number = visible("tbody tr").length;
      now = `${known.currency}${Math.round(money).toLocaleString("en")} a month in ${number} account${number === 1 ? "" : "s"} of this view`;
    } else {
      const raised = visible(".alert[data-state]");
      const open = raised.filter((alert) => !alert.closest(".others")).length;
      const others = raised.length - open;
      now = `${open} open${others ? `, ${others} other${others === 1 ? "" : "s"}` : ""} of this view`;
    }
    figure.textContent = filtered ? now : figure.whole;
  }
}

function listElsewhere(found) {
  const list = $("elsewhere");
  list.hidden = found.length === 0;
  list.querySelector("ul").replaceChildren(...found.slice(0, MOST_ELSEWHERE).map((ticket) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = known.link + ticket.id;
    link.textContent = `#${ticket.id}`;
    item.append(link, ` ${ticket.priority} ${ticket.customer}, ${ticket.team.title}, ${day(ticket)}`);
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
  const head = ["ticket", "priority", "customer", "team", "language", "risk", "wants", "state", "time", "kind", "topic", "unsure"];
  const lines = inView.map((ticket) => [ticket.id, ticket.priority, ticket.customer, ticket.team.id, ticket.language,
    ticket.risk, ticket.wants, ticket.state, new Date(ticket.at).toISOString(), ticket.kind, ticket.topic, ticket.unsure]);
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

const isNumeric = (key) => ["id", "risk", "mrr", "at"].includes(key);

function sort(button) {
  const before = button.closest("th").getAttribute("aria-sort");
  // Figures begin with the largest.
  sortBy(button, before ? before === "ascending" : isNumeric(button.dataset.sort));
}

function sortBy(button, descending) {
  const head = button.closest("th");
  const key = button.dataset.sort;
  const numeric = isNumeric(key);
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

// `serve` lets the page ask for itself again: what its reader had opened, sorted and reached stays as it was.
const KEPT = `opened ${location.pathname}`;
const folds = [...document.querySelectorAll("details")];
function nameOf(fold) {
  const within = fold.closest("[data-key], [id]");
  return fold.dataset.key ?? `${within?.dataset.key ?? within?.id} ${folds.filter((other) => other.closest("[data-key], [id]") === within).indexOf(fold)}`;
}

function keep() {
  const sorted = table.querySelector("th[aria-sort]");
  const kept = {
    folds: folds.filter((fold) => fold.open).map(nameOf),
    tickets: [...table.querySelectorAll('.open[aria-expanded="true"]')].map((button) => button.getAttribute("aria-controls")),
    sort: sorted && [sorted.firstElementChild.dataset.sort, sorted.getAttribute("aria-sort")],
    focus: document.activeElement.id,
    hash: location.hash,
    at: scrollY,
  };
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(kept));
  } catch {
    // Where nothing may be stored, the page begins anew.
  }
}

function restore() {
  let kept;
  try {
    kept = JSON.parse(sessionStorage.getItem(KEPT));
  } catch {
    // As above.
  }
  if (!kept || kept.hash !== location.hash) return false;
  const opened = new Set(kept.folds);
  for (const fold of folds) fold.open = opened.has(nameOf(fold));
  for (const id of kept.tickets) {
    const button = table.querySelector(`[aria-controls="${CSS.escape(id)}"]`);
    if (button) open(button, true);
  }
  const sorted = kept.sort && table.querySelector(`[data-sort="${CSS.escape(kept.sort[0])}"]`);
  if (sorted) sortBy(sorted, kept.sort[1] === "descending");
  const focus = kept.focus && $(kept.focus);
  if (focus) {
    focus.focus({ preventScroll: true });
    if (focus.type === "search") focus.setSelectionRange(focus.value.length, focus.value.length);
  }
  scrollTo(0, kept.at);
  return true;
}
addEventListener("pagehide", keep);

const asked = new URLSearchParams(location.search);
for (const control of controls) if (asked.has(control.id)) control.value = asked.get(control.id);
if (controls.some((control) => control.value)) filter();
// An account's panel opens with the link to it.
function unfold() {
  const panel = location.hash && document.getElementById(location.hash.slice(1))?.closest(".panel");
  if (panel) panel.open = true;
}
addEventListener("hashchange", unfold);
if (!restore()) {
  unfold();
  const target = location.hash && document.querySelector(`[aria-controls="${CSS.escape(location.hash.slice(1))}"]`);
  if (target) {
    open(target, true);
    target.scrollIntoView();
  }
}

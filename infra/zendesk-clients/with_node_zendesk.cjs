// What node-zendesk does with an account, with an OAuth token.

const assert = require("node:assert/strict");
const { createRequire } = require("node:module");
const test = require("node:test");

// The client is installed beside the interpreter, not beside this file.
const { createClient } = createRequire(`${process.env.NODE_PATH}/`)("node-zendesk");

const zendesk = createClient({
  username: process.env.DEMO_EMAIL,
  token: process.env.DEMO_OAUTH_TOKEN,
  oauth: true,
  endpointUri: `${process.env.DEMO_URL}/api/v2`,
});

const opened = async (subject = "Orders are missing") => {
  const ticket = { subject, comment: { body: "None since noon." } };
  return (await zendesk.tickets.create({ ticket })).result;
};

test("it knows who it is", async () => {
  assert.equal((await zendesk.users.me()).result.email, process.env.DEMO_EMAIL);
});

test("a ticket is created, read, updated and deleted", async () => {
  const { id } = await opened();
  const update = { ticket: { priority: "high", tags: ["vip"], comment: { body: "For agents.", public: false } } };
  const { result } = await zendesk.tickets.update(id, update);
  assert.deepEqual([result.priority, result.tags], ["high", ["vip"]]);
  assert.equal((await zendesk.tickets.show(id)).result.priority, "high");
  const comments = await zendesk.tickets.getComments(id);
  assert.deepEqual(comments.map((comment) => comment.public), [true, false]);
  await zendesk.tickets.delete(id);
  await assert.rejects(zendesk.tickets.show(id), /\(404\)/);
});

test("a refusal is understood", async () => {
  const { id } = await opened();
  const refused = zendesk.tickets.update(id, { ticket: { priority: "P0" } });
  await assert.rejects(refused, /\(422\)/);
});

test("lists are walked", async () => {
  const tickets = await zendesk.tickets.list();
  assert.ok(tickets.length >= 30);
  assert.equal(new Set(tickets.map((ticket) => ticket.id)).size, tickets.length);
});

test("the export is read to its end", async () => {
  assert.ok(Array.isArray(await zendesk.tickets.incremental(1)));
});

test("search finds and exports", async () => {
  const { id } = await opened("Quagga prints are blurred");
  const found = await zendesk.search.queryAll("type:ticket quagga");
  assert.deepEqual(found.map((ticket) => ticket.id), [id]);
  const exported = await zendesk.search.exportResults("quagga", "ticket", 50);
  assert.deepEqual(exported.map((ticket) => ticket.id), [id]);
});

test("many are updated as a job", async () => {
  const { id } = await opened();
  const { result } = await zendesk.tickets.updateMany([id], { ticket: { additional_tags: ["swept"] } });
  const job = (await zendesk.jobstatuses.show((result.job_status ?? result).id)).result;
  assert.equal((job.job_status ?? job).status, "completed");
  assert.deepEqual((await zendesk.tickets.show(id)).result.tags, ["swept"]);
});

test("webhooks are managed", async () => {
  const webhook = {
    name: "node", endpoint: "https://example.com/hook", http_method: "POST", request_format: "json", status: "active",
    subscriptions: ["zen:event-type:ticket.created"],
  };
  const { id } = (await zendesk.webhooks.create({ webhook })).result;
  assert.match(id, /^[0-9A-Z]{26}$/);
  assert.match((await zendesk.webhooks.getSigningSecret(id)).result.signing_secret.secret, /=$/);
  await zendesk.webhooks.patch(id, { webhook: { name: "renamed" } });
  assert.equal((await zendesk.webhooks.show(id)).result.name, "renamed");
  await zendesk.webhooks.delete(id);
  await assert.rejects(zendesk.webhooks.show(id), /\(404\)/);
});

test("triggers, groups and fields are made", async () => {
  const conditions = { all: [{ field: "status", operator: "is", value: "solved" }], any: [] };
  const trigger = { title: "node", conditions, actions: [{ field: "current_tags", value: "seen" }] };
  const made = (await zendesk.triggers.create({ trigger })).result;
  assert.ok((await zendesk.triggers.list()).some((known) => known.id === made.id));
  await zendesk.triggers.delete(made.id);
  const group = (await zendesk.groups.create({ group: { name: "Day shift" } })).result;
  assert.ok((await zendesk.groups.list()).some((known) => known.id === group.id));
  const field = { type: "integer", title: "Score" };
  const { id } = (await zendesk.ticketfields.create({ ticket_field: field })).result;
  const ticket = await opened();
  const update = { ticket: { custom_fields: [{ id, value: 7 }] } };
  const { result } = await zendesk.tickets.update(ticket.id, update);
  assert.equal(result.custom_fields.find((known) => known.id === id).value, 7);
});

// The whole loop on one machine: a ticket comes in, its mail is followed, and the page says who has the alert.
// infra/page/__main__.py runs it: SERVE is where `serve` answers, OUTPUT its folder, EVENT and SECOND signed events of
// notices, RECIPIENT whom their alerts go to, SIGNING_SECRET what Slack would sign with.

import assert from 'node:assert/strict';
import {createHmac} from 'node:crypto';
import {readFileSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import test, {after, before} from 'node:test';
import {setTimeout as pause} from 'node:timers/promises';
import puppeteer from 'puppeteer-core';

const {SERVE, OUTPUT, EVENT, SECOND, RECIPIENT, SIGNING_SECRET, CHROMIUM} = process.env;
let browser;

before(async () => {
  browser = await puppeteer.launch({executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu']});
});
after(() => browser.close());

async function shown(address) {
  const page = await browser.newPage();
  await page.goto(address);
  return page;
}

/** The mail of the alert, once it is there. */
async function mail() {
  const emails = join(OUTPUT, 'emails');
  for (let tries = 0; tries < 100; tries++) {
    const [file] = readdirSync(OUTPUT).includes('emails') ? readdirSync(emails).filter((name) => name.endsWith('.html')) : [];
    if (file) return shown(`file://${join(emails, file)}`);
    await pause(100);
  }
  throw new Error('no mail came within ten seconds');
}

const link = (page, words) => page.$$eval('a', (all, words) => all.find((one) => one.textContent.trim() === words)?.href, words);
const state = async (ticket = 1990) => {
  const page = await shown(SERVE);
  const text = await page.$eval(`.alert[data-ticket="${ticket}"]`, (alert) => alert.textContent);
  await page.close();
  return text;
};

async function post(signed) {
  const event = JSON.parse(signed);
  const posted = await fetch(`${SERVE}webhooks/zendesk`, {method: 'POST', headers: {...event.headers, host: new URL(SERVE).host}, body: event.body});
  assert.equal(posted.status, 200);
}

test('a notice of leaving is followed from the mail to the page', async () => {
  await post(EVENT);
  const message = await mail();
  const [take, wrong] = [await link(message, 'I have it'), await link(message, 'Not a risk')];
  assert.ok(take?.startsWith(SERVE) && wrong?.startsWith(SERVE), `${take} and ${wrong} lead to the server`);
  assert.doesNotMatch(await state(), /has it since/);

  const asked = await shown(take);
  assert.doesNotMatch(await state(), /has it since/, 'a link that is only opened, as by a mail scanner, changes nothing');
  await Promise.all([asked.waitForNavigation(), asked.click('form button')]);
  assert.match(await state(), /has it since/);

  const forged = await shown(take.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')));
  assert.equal(await forged.$('form'), null, 'a link that was changed offers nothing');
});

test('an alert is settled from the page', async () => {
  const page = await shown(SERVE);
  await page.$eval('.alert[data-ticket="1990"]', (alert) => { alert.open = true; });
  const words = await page.$$eval('.alert[data-ticket="1990"] .acts a', (all) => all.map((one) => one.textContent));
  assert.deepEqual(words, ['Say how it ended', 'Not a risk', 'Snooze', 'Hand it over'], 'somebody has it already');
  const press = async (selector) => Promise.all([page.waitForNavigation(), page.click(selector)]);
  await press('.alert[data-ticket="1990"] .acts a');
  assert.doesNotMatch(await state(), /Settled by/, 'the button of the page only leads on');
  await page.click('input[value=saved]');
  await press('form button');
  assert.match(await page.$eval('.said', (said) => said.textContent), /settled/);
  assert.match(await state(), /Settled by .*saved: the customer stays/);
  const account = await shown(SERVE);
  const href = await account.$eval('#accounts th a', (link) => link.getAttribute('href'));
  await account.click('#accounts th a');
  assert.match(await account.$eval(`${href} .stands`, (alerts) => alerts.checkVisibility() && alerts.textContent), /Settled by/);
});

/** A message in Slack, once it is there. */
async function message(ticket) {
  const folder = join(OUTPUT, 'slack');
  for (let tries = 0; tries < 100; tries++) {
    const file = readdirSync(OUTPUT).includes('slack') && readdirSync(folder).find((name) => name.startsWith(`${ticket}-`) && name.endsWith('.json'));
    if (file) return {name: file.slice(0, -'.json'.length), ...JSON.parse(readFileSync(join(folder, file)))};
    await pause(100);
  }
  throw new Error('no message came within ten seconds');
}

async function press(shown, user, action, {secret = SIGNING_SECRET, age = 0} = {}) {
  const buttons = shown.blocks.find((block) => block.type === 'actions' && block.elements.some((one) => one.action_id === action));
  const payload = {type: 'block_actions', user: {id: user}, container: {channel_id: shown.channel, message_ts: shown.name}, actions: [{action_id: action, block_id: buttons.block_id}]};
  const body = new URLSearchParams({payload: JSON.stringify(payload)}).toString();
  const at = String(Math.floor(Date.now() / 1000) - age);
  const signature = `v0=${createHmac('sha256', secret).update(`v0:${at}:${body}`).digest('hex')}`;
  const headers = {'content-type': 'application/x-www-form-urlencoded', 'x-slack-request-timestamp': at, 'x-slack-signature': signature};
  return (await fetch(`${SERVE}slack`, {method: 'POST', headers, body})).status;
}

test('an alert is taken in Slack', async () => {
  await post(SECOND);
  const before = await message(1991);
  for (const [user, how, status] of [[RECIPIENT, {secret: 'another'}, 401], [RECIPIENT, {age: 600}, 401], ['stranger@example.com', {}, 200]]) {
    assert.equal(await press(before, user, 'take', how), status);
    assert.doesNotMatch(await state(1991), /has it since/, `${user} ${JSON.stringify(how)}`);
  }
  assert.equal(await press(before, RECIPIENT, 'take'), 200);
  assert.match(await state(1991), new RegExp(`${RECIPIENT} has it since`));
  const now = await message(1991);
  assert.match(JSON.stringify(now.blocks), /Taken by/);
  assert.equal(now.blocks.some((block) => block.elements?.some((one) => one.action_id === 'take')), false, 'its button is gone');
});

// The whole loop on one machine, as README.md walks through it, and the same in Slack. infra/page/__main__.py runs it: LOG is
// what `serve` prints, OUTPUT its folder, EVENT the signed event of README.md and MAIL the mail that it names, SECOND a signed
// event of another notice, RECIPIENT whom alerts go to, SIGNING_SECRET what Slack would sign with.

import assert from 'node:assert/strict';
import {createHmac} from 'node:crypto';
import {existsSync, readFileSync, readdirSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import test, {after, before} from 'node:test';
import {setTimeout as pause} from 'node:timers/promises';
import puppeteer from 'puppeteer-core';

const {LOG, OUTPUT, MAIL, EVENT, SECOND, RECIPIENT, SIGNING_SECRET, CHROMIUM} = process.env;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const TICKET = MAIL.match(/\d+/)[0];
const ALERT = `.alert[data-ticket="${TICKET}"]`;
let browser;
let serve;

before(async () => {
  browser = await puppeteer.launch({executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu']});
  serve = await eventually('an address', () => readFileSync(LOG, 'utf8').match(/^Dashboard +(\S+)/)?.[1]);
});
after(() => browser.close());

/** What is found, once it is there. */
async function eventually(what, find) {
  for (let tries = 0; tries < 100; tries++) {
    const found = find();
    if (found) return found;
    await pause(100);
  }
  throw new Error(`${what} did not come within ten seconds`);
}

async function shown(address) {
  const page = await browser.newPage();
  await page.goto(address);
  return page;
}

const link = (page, words) => page.$$eval('a', (all, words) => all.find((one) => one.textContent.trim() === words)?.href, words);
const text = (page) => page.$eval('body', (body) => body.innerText);
const state = async (ticket = TICKET) => {
  const page = await shown(serve);
  const text = await page.$eval(`.alert[data-ticket="${ticket}"]`, (alert) => alert.textContent);
  await page.close();
  return text;
};

async function post(signed) {
  const event = JSON.parse(signed);
  const posted = await fetch(`${serve}webhooks/zendesk`, {method: 'POST', headers: {...event.headers, host: new URL(serve).host}, body: event.body});
  assert.equal(posted.status, 200);
}

test('a notice of leaving is followed from the mail to the page', {timeout: 90_000}, async () => {
  const open = await shown(serve);
  assert.match(await text(open), /No alert about a customer at risk is open/);
  await post(EVENT);
  await eventually('its line', () => readFileSync(LOG, 'utf8').match(new RegExp(`#${TICKET} .*risk \\d+$`, 'm')));
  const file = join(OUTPUT, MAIL);
  await eventually('its mail', () => existsSync(file));
  const message = await shown(`file://${file}`);
  const [take, wrong] = [await link(message, 'I have it'), await link(message, 'Not a risk')];
  assert.ok(take?.startsWith(serve) && wrong?.startsWith(serve), `${take} and ${wrong} lead to the server`);
  assert.doesNotMatch(await state(), /has it since/);

  const asked = await shown(take);
  assert.doesNotMatch(await state(), /has it since/, 'a link that is only opened, as by a mail scanner, changes nothing');
  await open.reload();
  await open.$eval(ALERT, (alert) => { alert.open = true; });
  await open.$eval('#search', (field) => field.focus());
  await Promise.all([asked.waitForNavigation(), asked.click('form button')]);
  assert.match(await state(), /has it since/);
  await open.waitForFunction((alert) => document.querySelector(alert)?.textContent.includes('has it since'), {timeout: 40_000}, ALERT);
  assert.ok(await open.$eval(ALERT, (alert) => alert.open), 'the page asked for itself again, and keeps open what was open');
  assert.equal(await open.evaluate(() => document.activeElement.id), 'search', 'and where its reader was');

  const again = await shown(take);
  assert.match(await text(again), /Taken by you on/);
  assert.equal(await again.$('form'), null, 'there is nothing left to take');
  const forged = await shown(take.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')));
  assert.equal(await forged.$('form'), null, 'a link that was changed offers nothing');

  const page = await shown(serve);
  await page.$eval(ALERT, (alert) => { alert.open = true; });
  const words = await page.$$eval(`${ALERT} .acts a`, (all) => all.map((one) => one.textContent));
  assert.deepEqual(words, ['Say how it ended', 'Not a risk', 'Snooze', 'Hand it over'], 'somebody has it already');
  const press = async (selector) => Promise.all([page.waitForNavigation(), page.click(selector)]);
  await press(`${ALERT} .acts a`);
  assert.doesNotMatch(await state(), /Settled by/, 'the button of the page only leads on');
  await page.click('input[value=saved]');
  await press('form button');
  assert.match(await page.$eval('.said', (said) => said.textContent), /settled/);
  assert.match(await state(), /Settled by .*saved: the customer stays/);
  const late = await shown(wrong);
  assert.match(await text(late), /Settled by you on .*saved/);
  assert.equal(await late.$('form'), null, 'it is closed');
  const account = await shown(serve);
  const href = await account.$eval('#accounts th a', (link) => link.getAttribute('href'));
  await account.click('#accounts th a');
  assert.match(await account.$eval(`${href} .stands`, (alerts) => alerts.checkVisibility() && alerts.textContent), /Settled by/);
});

/** A message in Slack, once it is there. */
async function message(ticket) {
  const folder = join(OUTPUT, 'slack');
  const file = await eventually('its message', () => existsSync(folder) && readdirSync(folder).find((name) => name.startsWith(`${ticket}-`) && name.endsWith('.json')));
  return {name: file.slice(0, -'.json'.length), ...JSON.parse(readFileSync(join(folder, file)))};
}

async function press(shown, user, action, {secret = SIGNING_SECRET, age = 0} = {}) {
  const buttons = shown.blocks.find((block) => block.type === 'actions' && block.elements.some((one) => one.action_id === action));
  const payload = {type: 'block_actions', user: {id: user}, container: {channel_id: shown.channel, message_ts: shown.name}, actions: [{action_id: action, block_id: buttons.block_id}]};
  const body = new URLSearchParams({payload: JSON.stringify(payload)}).toString();
  const at = String(Math.floor(Date.now() / 1000) - age);
  const signature = `v0=${createHmac('sha256', secret).update(`v0:${at}:${body}`).digest('hex')}`;
  const headers = {'content-type': 'application/x-www-form-urlencoded', 'x-slack-request-timestamp': at, 'x-slack-signature': signature};
  return (await fetch(`${serve}slack`, {method: 'POST', headers, body})).status;
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

for (const width of [1440, 380]) for (const scheme of ['light', 'dark']) {
  test(`axe finds nothing on the pages behind a mail's links at ${width} px, ${scheme}`, async () => {
    const file = await eventually('a mail', () => readdirSync(join(OUTPUT, 'emails')).find((name) => name.startsWith('1991-')));
    const mail = await shown(`file://${join(OUTPUT, 'emails', file)}`);
    const links = await mail.$$eval('a[href*="/followup?"]', (all) => all.map((one) => one.href));
    assert.equal(links.length, 4);
    for (const address of [...links, links[0].slice(0, -1)]) {
      const page = await browser.newPage();
      await page.setViewport({width, height: 900});
      await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: scheme}]);
      await page.goto(address);
      await page.evaluate(AXE);
      const found = await page.evaluate((values) => axe.run({runOnly: {type: 'tag', values}}), RULES);
      assert.deepEqual(found.violations.map(({id, nodes}) => `${id}: ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary}`), []);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
      await page.close();
    }
    await mail.close();
  });
}

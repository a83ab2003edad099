// The whole loop on one machine: a ticket comes in, its mail is followed, and the page says who has the alert.
// infra/page/__main__.py runs it: SERVE is where `serve` answers, OUTPUT its folder, EVENT a signed event of a notice.

import assert from 'node:assert/strict';
import {readFileSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import test, {after, before} from 'node:test';
import {setTimeout as pause} from 'node:timers/promises';
import puppeteer from 'puppeteer-core';

const {SERVE, OUTPUT, EVENT, CHROMIUM} = process.env;
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
const state = async () => {
  const page = await shown(SERVE);
  const text = await page.$eval('.alert', (alert) => alert.textContent);
  await page.close();
  return text;
};

test('a notice of leaving is followed from the mail to the page', async () => {
  const event = JSON.parse(EVENT);
  const posted = await fetch(`${SERVE}webhooks/zendesk`, {method: 'POST', headers: {...event.headers, host: new URL(SERVE).host}, body: event.body});
  assert.equal(posted.status, 200);

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

// What only a browser can say of the page. infra/page/__main__.py runs it: PAGE is the file, ACCOUNT one of an account, LIST
// one of a list, MISSING the one in place of a page that is not written yet, MANY a page with more tickets than it shows,
// MAILS the folder of the mails of PAGE's run, CHROMIUM the browser.

import assert from 'node:assert/strict';
import {once} from 'node:events';
import {readFileSync, readdirSync} from 'node:fs';
import {createServer} from 'node:http';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import test, {after, before} from 'node:test';
import {pathToFileURL} from 'node:url';
import puppeteer from 'puppeteer-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const URL = pathToFileURL(process.env.PAGE).href;
const OTHERS = ['ACCOUNT', 'LIST', 'MISSING'];
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
let browser;

before(async () => {
  browser = await puppeteer.launch({executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu']});
});
after(() => browser.close());

async function visit({address = URL, width = 1440, scheme = 'light', script = true, query = ''} = {}) {
  const page = await browser.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && page.problems.push(message.text()));
  await page.setViewport({width, height: 900});
  await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: scheme}]);
  await page.setJavaScriptEnabled(script);
  await page.goto(address + query);
  return page;
}

async function looked(page, rules = RULES) {
  // In the page's own world, which its policy for content does not rule.
  await page.evaluate(AXE);
  const found = await page.evaluate((values) => axe.run({runOnly: {type: 'tag', values}}), rules);
  const told = found.violations.map(({id, nodes}) => `${id}: ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary}`);
  assert.deepEqual(told, []);
  assert.deepEqual(page.problems, []);
  await page.close();
}

const seen = (page, selector) => page.$$eval(selector, (found) => found.filter((one) => one.checkVisibility()).length);

for (const width of [1440, 768, 380]) for (const scheme of ['light', 'dark']) {
  test(`axe finds nothing at ${width} px, ${scheme}`, async () => {
    const page = await visit({width, scheme});
    await page.$eval('.open', (button) => button.click());
    for (const part of ['.alert', '.figures', '.panel']) await page.$$eval(part, (all) => all.slice(0, 2).forEach((one) => { one.open = true; }));
    await looked(page);
  });
}

for (const other of OTHERS) for (const width of [1440, 380]) for (const scheme of ['light', 'dark']) {
  test(`axe finds nothing on ${other} at ${width} px, ${scheme}`, async () => {
    const page = await visit({address: pathToFileURL(process.env[other]).href, width, scheme});
    await page.$$eval('details', (all) => all.forEach((one) => { one.open = true; }));
    await looked(page);
  });
}

// One of each sort: what stands in them differs, and not how they are laid out. A mail has no landmarks.
const mails = [...new Map(readdirSync(process.env.MAILS).filter((name) => name.endsWith('.html')).map((name) => [name.replace(/[\d-]+/g, ''), name])).values()];
for (const scheme of ['light', 'dark']) {
  test(`axe finds nothing in ${mails.length} mails, ${scheme}`, async () => {
    assert.ok(mails.length >= 4, String(mails));
    for (const name of mails) for (const width of [700, 380]) {
      await looked(await visit({address: pathToFileURL(join(process.env.MAILS, name)).href, width, scheme}), RULES.filter((rule) => rule !== 'best-practice'));
    }
  });
}

for (const width of [1440, 768, 380, 320]) {
  test(`nothing is panned sideways at ${width} px`, async () => {
    const page = await visit({width});
    await page.$eval('.open', (button) => button.click());
    for (const part of ['details', '.panel']) await page.$$eval(part, (all) => all.slice(0, 8).forEach((one) => { one.open = true; }));
    const wider = await page.evaluate(() => [document.documentElement, ...document.querySelectorAll('.scroll')]
      .filter((one) => one.scrollWidth > one.clientWidth).map((one) => `${one.ariaLabel ?? one.tagName} ${one.scrollWidth} > ${one.clientWidth}`));
    assert.deepEqual(wider, []);
    await page.close();
  });
}

for (const other of OTHERS) for (const width of [380, 320]) {
  test(`nothing of ${other} is panned sideways at ${width} px`, async () => {
    const page = await visit({address: pathToFileURL(process.env[other]).href, width});
    await page.$$eval('details', (all) => all.forEach((one) => { one.open = true; }));
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    await page.close();
  });
}

test('a page that is not written yet shows itself once it is', async () => {
  let written = false;
  const server = createServer((request, response) => {
    response.writeHead(written ? 200 : 404, {'content-type': 'text/html'});
    response.end(request.method === 'HEAD' ? '' : written ? '<h1>Written</h1>' : readFileSync(process.env.MISSING));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const page = await visit({address: `http://127.0.0.1:${server.address().port}/`});
  const asked = await page.waitForResponse((response) => response.request().method() === 'HEAD');
  assert.equal(asked.status(), 404);
  assert.equal(await page.$eval('h1', (title) => title.textContent), 'There is no such page yet');
  written = true;
  await page.waitForFunction(() => document.querySelector('h1')?.textContent === 'Written');
  await page.close();
  server.close();
});

test('everything can be reached and opened by keyboard', async () => {
  const page = await visit();
  const reached = new Set();
  for (let stops = 0; stops < 600; stops++) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const here = document.activeElement;
      const outline = getComputedStyle(here).outlineStyle;
      return {name: here.id || here.className || here.tagName, outline, last: here === document.body};
    });
    if (stop.last) break;
    assert.notEqual(stop.outline, 'none', `${stop.name} shows no focus`);
    reached.add(stop.name.split(' ')[0]);
  }
  for (const name of ['period', 'team', 'account', 'search', 'csv', 'copy', 'open']) assert.ok(reached.has(name), name);
  await page.$eval('.open', (button) => button.focus());
  await page.keyboard.press('Enter');
  assert.equal(await seen(page, '.detail'), 1);
  await page.close();
});

test('a view stands in the address and comes back from it', async () => {
  const page = await visit();
  const all = await seen(page, '#table > tbody');
  await page.select('#team', 'cipher');
  const teams = await page.$$eval('#table > tbody', (rows) => rows.filter((row) => !row.hidden).map((row) => row.dataset.agent));
  assert.ok(teams.length > 0 && teams.length < all && teams.every((team) => team === 'cipher'), String(teams));
  const drawn = await page.$$eval('g[data-bar="Sentinel"] .value', ([value]) => value.textContent);
  assert.equal(drawn, '0', 'the charts show the view');
  const notes = await page.$$eval('.tiles > div', (all) => all.map((one) => [Boolean(one.dataset.counts), one.querySelector('.note').innerText]));
  assert.ok(notes.some(([follows]) => follows) && notes.some(([follows]) => !follows));
  for (const [follows, note] of notes) assert.match(note, follows ? /^of this view/ : /; of all tickets, not of this view$/);
  const query = new globalThis.URL(page.url()).search;
  assert.equal(query, '?team=cipher');
  const again = await visit({query});
  assert.equal(await seen(again, '#table > tbody'), teams.length);
  await again.$eval('#clear', (button) => button.click());
  assert.equal(await seen(again, '#table > tbody'), all);
  assert.deepEqual([...page.problems, ...again.problems], []);
  await Promise.all([page.close(), again.close()]);
});

test('every section follows the account', async () => {
  const page = await visit();
  const account = await page.$eval('#accounts tbody tr', (row) => row.dataset.customer);
  await page.select('#account', account);
  for (const selector of ['#accounts tbody tr', '.alert', '#table > tbody']) {
    const names = await page.$$eval(selector, (all) => all.filter((one) => !one.hidden).map((one) => one.dataset.customer));
    assert.ok(names.length > 0 && names.every((name) => name === account), `${selector}: ${names}`);
  }
  await page.close();
});

const shownOf = (page, selector, key) => page.$$eval(selector, (all, key) => all.filter((one) => !one.hidden).map((one) => one.dataset[key]), key);

for (const [control, key] of [['owner', 'owner'], ['state', 'state']]) {
  test(`every section follows the ${control}, or says that it does not`, async () => {
    const page = await visit();
    const value = control === 'state' ? 'new' : await page.$eval('#guardian .alert[data-owner]', (alert) => alert.dataset.owner);
    await page.select(`#${control}`, value);
    for (const selector of ['#accounts tbody tr', '.alert']) {
      const values = await shownOf(page, selector, key);
      assert.ok(values.length > 0 && values.every((one) => one === value), `${selector}: ${values}`);
    }
    const [customers, panels] = await Promise.all(['#table > tbody', '.panel'].map((selector) => shownOf(page, selector, 'customer')));
    const ofAlerts = new Set(await shownOf(page, '.alert', 'customer'));
    for (const name of [...customers, ...panels]) assert.ok(ofAlerts.has(name), name);
    assert.ok(panels.length > 0);
    if (control === 'owner') assert.ok(panels.length < await page.$$eval('.panel', (all) => all.length));
    await told(page);
    await page.close();
  });
}

for (const [control, value] of [['period', '1'], ['language', 'fr'], ['team', 'cipher'], ['topic', 'reports']]) {
  test(`every figure follows the ${control}, or says that it does not`, async () => {
    const page = await visit();
    await page.select(`#${control}`, value);
    await told(page);
    await page.close();
  });
}

/** What the sections tell adds up to the tickets of the view, and what does not is marked. */
async function told(page) {
  const view = await page.evaluate(() => ({
    tickets: inView.length,
    recent: inView.filter((ticket) => ticket.at > (known.now - 7 * 86_400) * 1000).length,
    topics: inView.filter((ticket) => ticket.topic).length,
  }));
  const sums = await page.evaluate(() => {
    const sum = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility()).reduce((sum, one) => sum + Number(one.textContent.replace(/\D/g, '')), 0);
    return {load: sum('#load td'), topics: sum('#topics table:first-of-type tr[data-topic] td:nth-child(2):not(:last-child)'), teams: sum('g[data-bar] .value') / 2};
  });
  assert.deepEqual(sums, {load: view.recent, topics: view.topics, teams: view.tickets});
  const marked = await page.$$eval('.unfiltered', (all) => all.filter((one) => !one.hidden).map((one) => one.closest('section').id));
  assert.deepEqual(marked, ['today', 'right']);
  for (const section of ['outages', 'guardian', 'opportunity']) {
    const [figure, open] = await page.$eval(`#${section}`, (one) => [one.querySelector('.counted').textContent, [...one.querySelectorAll('.alert')].filter((alert) => !alert.hidden && !alert.closest('.others')).length]);
    assert.equal(figure, `${open} open of this view`);
  }
  const accounts = await shownOf(page, '#accounts tbody tr', 'money');
  const money = await page.$eval('#money', (one) => one.textContent);
  assert.ok(money.includes(`a month in ${accounts.length} account`) && money.endsWith(' of this view'), money);
  assert.equal(Number(money.match(/[\d,]+/)[0].replaceAll(',', '')), Math.round(accounts.reduce((sum, one) => sum + Number(one), 0)));
  await page.$eval('#clear', (button) => button.click());
  assert.equal(await page.$$eval('.unfiltered', (all) => all.filter((one) => !one.hidden).length), 0);
  assert.doesNotMatch(await page.$eval('main', (main) => main.innerText), /of this view/);
}

test('older tickets are found by all their labels', async () => {
  const page = await visit({address: pathToFileURL(process.env.MANY).href});
  const all = await page.evaluate(() => tickets.length);
  assert.ok(all > 100);
  for (const [control, value, fits] of [['kind', 'request', 'ticket.kind === "request"'], ['topic', 'reports', 'ticket.topic === "reports"'], ['signal', 'answer_ready', 'signals.answer_ready(ticket)']]) {
    await page.select(`#${control}`, value);
    const expected = await page.evaluate(`tickets.filter((ticket) => ${fits}).map((ticket) => ticket.id)`);
    assert.deepEqual(await page.evaluate(() => inView.map((ticket) => ticket.id)), expected, control);
    assert.ok(await page.$$eval('#elsewhere li', (items) => items.length) > 0, control);
    await page.$eval('#clear', (button) => button.click());
  }
  await page.type('#search', 'zebra');
  assert.match(await page.$eval('#shown', (shown) => shown.textContent), /^nothing fits these filters; of older tickets subject and text are not searched$/);
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('tickets are sorted by their date', async () => {
  const page = await visit();
  const dates = () => page.$$eval('#table > tbody', (rows) => rows.map((row) => Number(row.dataset.at)));
  const newest = await dates();
  assert.deepEqual(newest, [...newest].sort((a, b) => b - a));
  await page.click('[data-sort="at"]');
  assert.deepEqual(await dates(), [...newest].reverse().sort((a, b) => a - b));
  assert.equal(await page.$eval('[data-sort="at"]', (button) => button.closest('th').ariaSort), 'ascending');
  await page.close();
});

test('a link to the view is copied', async () => {
  const page = await visit({query: '?team=cipher'});
  for (const [allowed, answer] of [[true, 'copied'], [false, 'the address bar has the link']]) {
    await page.evaluate((allowed) => {
      const writeText = async (text) => { if (!allowed) throw new Error('not allowed'); window.written = text; };
      Object.defineProperty(navigator, 'clipboard', {configurable: true, value: {writeText}});
    }, allowed);
    await page.$eval('#copy', (button) => button.click());
    await page.waitForFunction((answer) => document.getElementById('copied').textContent === answer, {timeout: 5_000}, answer);
  }
  assert.equal(await page.evaluate(() => window.written), page.url());
  await page.close();
});

test('a time tells what it is where the reader is', async () => {
  const page = await visit();
  await page.emulateTimezone('Asia/Tokyo');
  await page.reload();
  const [at, title] = await page.$eval('#table time', (time) => [time.dateTime, time.title]);
  assert.equal(title, `${new Date(at).toLocaleString('en-US', {timeZone: 'Asia/Tokyo'})} where you are`);
  await page.close();
});

test('what was open stays open when the page is asked for again', async () => {
  const page = await visit();
  await page.$eval('.open', (button) => button.click());
  await page.$$eval('.alert', (all) => { all[1].open = true; });
  await page.click('[data-sort="customer"]');
  const opened = () => page.evaluate(() => [...document.querySelectorAll('details[open]')].map((one) => one.dataset.key ?? one.className)
    .concat(document.querySelector('.open[aria-expanded="true"]').textContent, document.querySelector('th[aria-sort]').textContent));
  const before = await opened();
  await page.reload();
  assert.deepEqual(await opened(), before);
  assert.equal(before.length, 3);
  await page.close();
});

test("an account's name leads to what happened with it", async () => {
  const page = await visit();
  const name = await page.$eval('#accounts th a', (link) => link.textContent);
  await page.click('#accounts th a');
  const opened = await page.$$eval('.panel[open]', (all) => all.map((one) => one.dataset.customer));
  assert.deepEqual(opened, [name]);
  assert.ok(await page.$eval('.panel[open] .timeline', (one) => one.checkVisibility() && one.children.length > 1));
  assert.deepEqual(page.problems, []);
  const plain = await visit({script: false});
  const link = await page.$eval('#accounts th a', (link) => link.getAttribute('href'));
  assert.ok((await plain.content()).includes(`id="${link.slice(1)}"`), 'it is there without JavaScript');
  await Promise.all([page.close(), plain.close()]);
});

test('quotes are marked where they stand', async () => {
  const page = await visit();
  const marked = await page.$$eval('#table mark', (all) => all.map((one) => one.textContent));
  assert.ok(marked.length > 5 && marked.every((words) => words.length > 3), String(marked.length));
  await page.close();
});

test('a CSV has the view and no formula', async () => {
  const page = await visit();
  const made = await page.evaluate(async () => {
    let blob;
    globalThis.URL.createObjectURL = (given) => { blob = given; return 'data:,'; };
    document.getElementById('team').value = 'nexus';
    filter();
    csv();
    return [await blob.text(), cell('=1+1'), cell('a,"b"')];
  });
  const [head, ...lines] = made[0].trim().split('\r\n');
  assert.equal(head, 'ticket,priority,customer,team,language,risk,wants,state,time,kind,topic,unsure');
  assert.ok(lines.length > 0 && lines.every((line) => line.includes(',nexus,')));
  assert.deepEqual(made.slice(1), ["'=1+1", '"a,""b"""']);
  await page.close();
});

test('without JavaScript every ticket can be read', async () => {
  const page = await visit({script: false});
  const html = await page.content();
  assert.ok(html.includes('noscript'));
  await page.setJavaScriptEnabled(true);
  assert.equal(await seen(page, '.detail'), await seen(page, '#table > tbody'));
  assert.equal(await seen(page, '.filters'), 0);
  await page.close();
});

test('it prints dark on white from a dark screen', async () => {
  const page = await visit({scheme: 'dark'});
  await page.emulateMediaType('print');
  const colours = await page.$$eval('body, h1, h2, td:not(.l3, .l4), .tiles dd', (all) => all.map((one) => getComputedStyle(one).color));
  const light = colours.filter((colour) => colour.match(/\d+/g).slice(0, 3).every((part) => Number(part) > 140));
  assert.deepEqual(light, []);
  assert.equal(await page.$eval('body', (body) => getComputedStyle(body).backgroundColor), 'rgb(255, 255, 255)');
  await page.close();
});

for (const width of [1100, 720]) {
  test(`it prints what is folded, ${width} px wide`, async () => {
    const page = await visit({width});
    const folded = await page.$$eval('#table .text, .alert blockquote', (found) => found.filter((one) => one.checkVisibility({contentVisibilityAuto: true})).length);
    assert.equal(folded, 0);
    await page.emulateMediaType('print');
    const all = await page.$$eval('#table .text, .alert blockquote', (found) => found.length);
    assert.ok(all > 0);
    assert.equal(await seen(page, '#table .text, .alert blockquote'), all);
    const wide = await page.$$eval('#table .detail > td', (found) => found.every((one) => one.clientWidth > innerWidth * 0.8));
    assert.ok(wide, 'over the width of the paper');
    assert.equal(await seen(page, '#table pre'), 0);
    await page.close();
  });
}

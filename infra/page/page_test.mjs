// What only a browser can say of the page. infra/page/__main__.py runs it: PAGE is the file, ACCOUNT one of an account,
// MISSING the one in place of a page that is not written yet, CHROMIUM the browser.

import assert from 'node:assert/strict';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {createRequire} from 'node:module';
import test, {after, before} from 'node:test';
import {pathToFileURL} from 'node:url';
import puppeteer from 'puppeteer-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const URL = pathToFileURL(process.env.PAGE).href;
const OTHERS = ['ACCOUNT', 'MISSING'];
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

async function looked(page) {
  // In the page's own world, which its policy for content does not rule.
  await page.evaluate(AXE);
  const found = await page.evaluate((values) => axe.run({runOnly: {type: 'tag', values}}), RULES);
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
  assert.equal(head, 'ticket,priority,customer,team,language,risk,wants,state,time');
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

// The site's gate, as it stands in template.yaml, with a store of our own: node --test infra/gate_test.mjs
//
// Node is more permissive than CloudFront's runtime. What only that knows is in docs/dashboard-access.md, under Unproved.

import assert from 'node:assert/strict';
import {createHash, createHmac} from 'node:crypto';
import {readFileSync} from 'node:fs';
import test from 'node:test';

const TEMPLATE = readFileSync(new URL('../template.yaml', import.meta.url), 'utf8');
const CODE = TEMPLATE.match(/ {6}FunctionCode: !Sub \|\n((?: {8}.*\n|\n)+)/)[1].replace(/^ {8}/gm, '');
const NOW = 1_800_000_000;
const KEY = 'k'.repeat(64);

// The gate of a stack with this Identity. Gives its answer, what it logged, and how often it read the store.
async function gate(identity, items) {
  const own = `
    const lines = [], read = [];
    const console = {log: (line) => lines.push(line)};
    const Date = {now: () => ${NOW} * 1000};
    const cf = {kvs: () => ({get: async (key) => {
      read.push(key);
      const items = ${JSON.stringify(items)};
      if (!Object.hasOwn(items, key)) throw new Error('KeyNotFound');
      return items[key];
    }})};`;
  const code = CODE.replace("import cf from 'cloudfront';", own).replace('${Identity}', identity);
  const module = await import(`data:text/javascript,${encodeURIComponent(`${code}\nexport {handler, lines, read};\n//${Math.random()}`)}`);
  return async (uri, {password, authorization, cookie} = {}) => {
    const headers = {};
    if (password !== undefined) headers.authorization = {value: `Basic ${Buffer.from(password).toString('base64')}`};
    if (authorization !== undefined) headers.authorization = {value: authorization};
    const cookies = cookie === undefined ? {} : {'__Host-triage': {value: cookie}};
    module.lines.length = module.read.length = 0;
    const answer = await module.handler({request: {method: 'GET', uri, querystring: {}, headers, cookies}});
    assert.equal(module.lines.length, 1, 'one line a request');
    return {answer, status: answer.statusCode ?? 'admitted', log: JSON.parse(module.lines[0]), read: [...module.read]};
  };
}

const hash = (login) => createHash('sha256').update(login).digest('hex');
const sealText = (text, key = KEY, purpose = 'session') => {
  const payload = Buffer.from(text).toString('base64url');
  return `${payload}.${createHmac('sha256', key).update(`${purpose}.${payload}`).digest('base64url')}`;
};
const seal = (changes, key, purpose) =>
  sealText(JSON.stringify({who: 'ada@example.com', roles: ['accounts'], exp: NOW + 60, ...changes}), key, purpose);

const PASSWORDS = {support: hash('support:one'), accounts: hash('accounts:two'), lead: hash('lead:three')};
const both = {...PASSWORDS, 'session-keys': KEY};

test('a password opens its own role', async () => {
  const visit = await gate('off', both);
  for (const [uri, password, status] of [
    ['/support/', 'support:one', 'admitted'],
    ['/metrics_summary.json', 'support:one', 'admitted'],
    ['/accounts/', 'accounts:two', 'admitted'],
    ['/outbox/1-guardian-critical.html', 'accounts:two', 'admitted'],
    ['/support', 'support:one', 301],
    ['/lead/', 'lead:three', 'admitted'],
    ['/lead/', 'accounts:two', 401],
    ['/accounts/', 'lead:three', 401],
    ['/accounts/', 'support:one', 401],
    ['/accounts/', 'accounts:one', 401],
    ['/accounts/', undefined, 401],
    ['/sales/', 'sales:', 401],
    ['/sales/', '', 401],
    ['/', 'support:one', 401],
    ['/constructor/', 'support:one', 401],
    ['/session-keys', 'support:one', 401],
  ]) {
    const seen = await visit(uri, {password});
    assert.equal(seen.status, status, `${uri} ${password}`);
  }
  assert.equal((await visit('/support/', {authorization: 'Bearer x'})).status, 401);
  const mixedUp = await gate('off', {support: hash('accounts:two')});
  assert.equal((await mixedUp('/support/', {password: 'accounts:two'})).status, 401, 'a login of another role');
  const {answer} = await visit('/support/', {password: 'support:one'});
  assert.equal(answer.uri, '/support/index.html');
  assert.equal(answer.headers.authorization, undefined, 'the bucket does not see the password');
});

test('a path of nobody costs as much as one of somebody', async () => {
  const visit = await gate('off', both);
  assert.equal((await visit('/nowhere/', {password: 'x:y'})).read.length, (await visit('/support/', {password: 'x:y'})).read.length);
});

test('with identity on no password counts', async () => {
  const visit = await gate('oidc', both);
  const seen = await visit('/support/', {password: 'support:one'});
  assert.equal(seen.status, 302);
  assert.equal(seen.answer.headers['www-authenticate'], undefined);
  assert.deepEqual(seen.read, ['session-keys'], 'the password was not even looked up');
});

test('with identity off no session counts', async () => {
  const visit = await gate('off', both);
  assert.equal((await visit('/accounts/', {cookie: seal()})).status, 401);
});

test('a session opens the pages of its roles until it ends', async () => {
  const visit = await gate('oidc', both);
  for (const [uri, cookie, status] of [
    ['/accounts/', seal(), 'admitted'],
    ['/outbox/1-guardian-critical.html', seal(), 'admitted'],
    ['/accounts/', seal({roles: ['support', 'accounts']}), 'admitted'],
    ['/support/', seal(), 403],
    ['/sales/', seal({roles: []}), 403],
    ['/accounts/', seal({exp: NOW}), 302],
    ['/accounts/', seal({exp: 'later'}), 302],
    ['/accounts/', seal({exp: undefined}), 302],
    ['/accounts/', seal({}, 'another key'), 302],
    ['/accounts/', seal({}, '0'.repeat(64)), 302],
    ['/accounts/', seal({}, ''), 302],
    ['/accounts/', seal({}, KEY, 'signin'), 302],
    ['/accounts/', '', 302],
    ['/accounts/', '.', 302],
    ['/accounts/', `${seal()}.x`, 302],
    ['/accounts/', seal().split('.')[0], 302],
    ['/accounts/', undefined, 302],
  ]) {
    assert.equal((await visit(uri, {cookie})).status, status, `${uri} ${cookie}`);
  }
});

test('no character of a session can be changed', async () => {
  const visit = await gate('oidc', both);
  const sealed = seal();
  for (let at = 0; at < sealed.length; at++) {
    const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1);
    assert.equal((await visit('/accounts/', {cookie: changed})).status, 302, `at ${at}`);
  }
});

test('a key that is being replaced still opens, a forgotten one does not', async () => {
  const old = seal({}, 'old');
  for (const [keys, status] of [['new old', 'admitted'], ['old new', 'admitted'], ['old', 'admitted'], ['new', 302]]) {
    assert.equal((await (await gate('oidc', {'session-keys': keys}))('/accounts/', {cookie: old})).status, status, keys);
  }
});

test('without keys nobody gets in, also not with the stand-in for a missing one', async () => {
  const visit = await gate('oidc', PASSWORDS);
  for (const key of ['0'.repeat(64), '', 'undefined']) {
    assert.equal((await visit('/accounts/', {cookie: seal({}, key)})).status, 302, key);
  }
});

test('who is not signed in is sent there and back, and only from a page', async () => {
  const visit = await gate('oidc', both);
  const to = async (uri, more) => {
    const {status, answer} = await visit(uri, more);
    return [status, answer.headers.location?.value];
  };
  assert.deepEqual(await to('/accounts/'), [302, '/signin?to=%2Faccounts%2F']);
  assert.deepEqual(await to('/support/&to=//evil'), [302, '/signin?to=%2Fsupport%2F%26to%3D%2F%2Fevil']);
  assert.deepEqual(await to('/'), [302, '/signin']);
  assert.deepEqual(await to('/', {cookie: seal({roles: ['sales']})}), [302, '/sales/']);
  assert.deepEqual(await to('/favicon.ico'), [404, undefined]);
  assert.deepEqual(await to('/constructor/', {cookie: seal()}), [404, undefined]);
});

test('the refusal names the account as plain text', async () => {
  const visit = await gate('oidc', both);
  const {answer} = await visit('/support/', {cookie: seal({who: '<b>ada</b>'})});
  assert.match(answer.body.data, /<b>ada<\/b>/);
  assert.equal(answer.headers['content-type'].value, 'text/plain; charset=utf-8');
  assert.equal(answer.headers['cache-control'].value, 'no-store');
});

test('the access log names the person, and in simple mode the role', async () => {
  const person = await gate('oidc', both);
  assert.deepEqual((await person('/outbox/7-guardian-critical.html', {cookie: seal()})).log,
    {who: 'ada@example.com', role: 'accounts', path: '/outbox/7-guardian-critical.html', admitted: true});
  assert.deepEqual((await person('/support/', {cookie: seal()})).log,
    {who: 'ada@example.com', role: 'support', path: '/support/', admitted: false});
  assert.deepEqual((await person('/support/')).log, {who: null, role: 'support', path: '/support/', admitted: false});
  const role = await gate('off', both);
  assert.deepEqual((await role('/accounts/', {password: 'accounts:two'})).log,
    {who: 'accounts', role: 'accounts', path: '/accounts/', admitted: true});
  const wrong = await role('/accounts/', {password: 'accounts:PLANTED'});
  assert.deepEqual(wrong.log, {who: null, role: 'accounts', path: '/accounts/', admitted: false});
  assert.equal((await role(`/${'x'.repeat(500)}\n`)).log.path.length, 200);
});

test('function and gate seal alike', async () => {
  // The same as in shared/runtime/src/sealed.rs.
  const known = readFileSync(new URL('../shared/runtime/src/sealed.rs', import.meta.url), 'utf8')
    .match(/const KNOWN: &str = concat!\(\s*"([^"]+)",\s*"([^"]+)",/);
  const expected = sealText('{"who":"zoë@example.com","roles":["support"],"exp":1000}', 'key');
  assert.equal(known[1] + known[2], expected);
  const visit = await gate('oidc', {'session-keys': 'key'});
  const later = seal({who: 'zoë@example.com', roles: ['support']}, 'key');
  assert.equal((await visit('/support/', {cookie: later})).log.who, 'zoë@example.com');
});

test('the gate fits into a CloudFront function', () => {
  assert.ok(Buffer.byteLength(CODE) < 9_000, `${Buffer.byteLength(CODE)} of 10,240 bytes`);
});

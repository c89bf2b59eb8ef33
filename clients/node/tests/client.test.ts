import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Client, CosEmuError, CosEmuProcess, ProblemError, testWorld } from 'cos-emu';

import { at, bucket, folder, readOverTls, sdk, send } from './support.js';

const busy = {
  version: 1,
  name: 'puts are refused',
  rules: [{ id: 'busy', when: { op: 'PutObject' }, do: { error: { code: 'ServiceUnavailable', status: 503 } } }],
};
const quiet = { version: 1, name: 'no faults' };

let emu: CosEmuProcess;
before(async () => {
  emu = await CosEmuProcess.start({ buckets: [bucket] });
});
after(() => emu.stop());

test('two worlds do not disturb each other, by their keys and by their header', async () => {
  await using refusing = await emu.create(JSON.stringify(busy));
  await using serving = await emu.create(quiet);
  const put = { ...at, Key: 'k', Body: 'text' };
  await assert.rejects(sdk(refusing.endpoint, refusing.accessKey!).putObject(put), { statusCode: 503 });
  assert.equal((await sdk(serving.endpoint, serving.accessKey!).putObject(put)).statusCode, 200);

  for (const [world, status] of [[refusing, 503], [serving, 200]] as const) {
    const header = { [world.header.name]: world.header.value };
    assert.equal(await send('PUT', `${world.endpoint}/${bucket}/other`, Buffer.from('text'), header), status);
    const [exchange] = await world.journal({ key: 'other' });
    assert.equal(exchange?.answer?.status, status);
  }
  assert.deepEqual((await serving.journal()).map(({ key }) => key), ['k', 'other']);
  assert.deepEqual(await (await emu.defaultWorld()).journal(), []);
  assert.deepEqual((await emu.client.worlds()).map(({ id }) => id).sort(), ['default', refusing.id, serving.id].sort());
});

test('an invalid scenario is an error with code, place and hint', async () => {
  const text = '{\n  "version": 1,\n  "nam": "x",\n  "rulez": []\n}';
  await assert.rejects(emu.create(text), (error) => {
    assert.ok(error instanceof ProblemError);
    assert.equal(error.status, 422);
    assert.equal(error.title, 'Unprocessable Entity');
    const [first, second] = error.errors;
    assert.deepEqual([first?.code, first?.line, first?.column], ['E203', 3, 3]);
    assert.match(first?.hint ?? '', /did you mean "name"/);
    assert.equal(second?.line, 4);
    for (const { code, line, column, message, hint } of error.errors) {
      for (const part of [`:${line}:${column}: error ${code}: ${message}`, hint!, '422 Unprocessable Entity']) {
        assert.ok(error.message.includes(part), `${part} is not in ${error.message}`);
      }
    }
    return true;
  });
});

test('a scenario is made from a file too', async () => {
  const path = join(folder, 'busy.json');
  await writeFile(path, JSON.stringify(busy));
  await using world = await emu.client.createFromFile(path);
  assert.equal(world.name, busy.name);
});

test('a world that is closed is gone, and the default one stays', async () => {
  const world = await emu.create(quiet);
  await world[Symbol.asyncDispose]();
  await world.delete();
  await assert.rejects(emu.client.world(world.id), { name: 'ProblemError', status: 404 });

  const standing = await emu.defaultWorld();
  await standing[Symbol.asyncDispose]();
  assert.equal((await emu.defaultWorld()).id, 'default');
  await assert.rejects(standing.delete(), { status: 409 });
});

test('a reset empties the journal', async (t) => {
  const world = await testWorld(t, emu, quiet);
  await sdk(world.endpoint, world.accessKey!).putObject({ ...at, Key: 'k', Body: 'text' });
  assert.equal((await world.journal()).length, 1);
  await world.reset();
  assert.deepEqual(await world.journal(), []);
});

test('the clock freezes, advances, is skewed and runs', async (t) => {
  const { clock } = await testWorld(t, emu, quiet);
  const instant = new Date('2024-05-01T00:00:00Z');
  assert.deepEqual(await clock.freeze(instant), { now: instant, running: false, skew: 0 });
  await clock.advance(1_500);
  await clock.advance('4h');
  assert.equal((await clock.read()).now.toISOString(), '2024-05-01T04:00:01.500Z');
  assert.equal((await clock.run()).running, true);
  assert.equal((await clock.skew(-90_000)).skew, -90_000);
  assert.equal((await clock.skew('+20m')).skew, 1_200_000);
  await assert.rejects(clock.freeze('noon'), { name: 'ProblemError', status: 400 });
});

test('waitFor returns when the exchange arrives', async (t) => {
  const world = await testWorld(t, emu, quiet);
  const waiting = world.waitFor(1, { op: 'PutObject', key: 'late' });
  const cos = sdk(world.endpoint, world.accessKey!);
  await cos.putObject({ ...at, Key: 'early', Body: 'text' });
  await cos.putObject({ ...at, Key: 'late', Body: 'text' });
  const [exchange] = await waiting;
  assert.equal(exchange?.n, 2);
  assert.deepEqual(exchange.received.bytes, 4);
  await assert.rejects(world.waitFor(3, { op: 'PutObject' }, 100), /2 exchanges came within 100 ms, not 3/);
});

test('the journal is read in pages', async (t) => {
  const world = await testWorld(t, emu, quiet);
  const cos = sdk(world.endpoint, world.accessKey!);
  for (const Key of ['a', 'b', 'c']) {
    await cos.putObject({ ...at, Key, Body: 'text' });
  }
  assert.deepEqual((await world.journal({ from: 2, limit: 1 })).map(({ key }) => key), ['b']);
});

test('the CA is one that node:https accepts', async () => {
  const url = `${emu.endpoint().replace('http:', 'https:')}/_cos-emu/readyz`;
  assert.equal(await readOverTls(url, await emu.ca()), 'ok\n');
  const path = join(folder, 'ca.pem');
  await emu.client.saveCa(path);
  assert.equal(await readFile(path, 'utf8'), await emu.ca());
});

test('the world of a test is deleted at its end, and its verdict is asserted on request', async () => {
  const strict = { ...quiet, expect: { requests: [{ when: { op: 'PutObject' }, count: { min: 1 } }] } };
  for (const verdict of [true, false]) {
    const hooks: (() => Promise<void>)[] = [];
    const world = await testWorld({ after: (hook) => hooks.push(hook) }, emu.client, strict, { verdict });
    const end = hooks[0]!();
    await (verdict ? assert.rejects(end, /requests\[0\][^]*PutObject: 0 came, not at least 1/) : end);
    await assert.rejects(emu.client.world(world.id), { status: 404 });
  }
});

test('a server that is not there is said to be so', async () => {
  const client = new Client('http://127.0.0.1:1');
  assert.equal(await client.ready(), false);
  await assert.rejects(client.worlds(), /GET http:\/\/127\.0\.0\.1:1\/_cos-emu\/v1\/scenarios: connect ECONNREFUSED/);
  await assert.rejects(client.waitUntilReady(100), CosEmuError);
  assert.throws(() => new Client('https://127.0.0.1'), TypeError);
});

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { Client, CosEmuProcess, StartError } from 'cos-emu';

import { bucket, folder, send, survivesResets } from './support.js';

test('the SDK uploads through a reset in each part', async () => {
  await using emu = await CosEmuProcess.start({ scenario: 'reset-mid-upload', buckets: [bucket] });
  await survivesResets(emu);
});

test('the verdict on a client that does not retry names the reason', async () => {
  await using emu = await CosEmuProcess.start({ scenario: 'reset-mid-upload', buckets: [bucket] });
  await assert.rejects(send('PUT', `${emu.endpoint()}/${bucket}/k`, Buffer.alloc(2 ** 20)), /ECONNRESET|EPIPE/);
  const verdict = await (await emu.defaultWorld()).verdict();
  assert.equal(verdict.holds, false);
  assert.match(String(verdict), /did not cope: 2 of \d+ checks failed \(1 exchanges, seed 0x/);
  assert.match(String(verdict), /requests\[0\].*\n.*attempt number 2 or later: 0 came, not at least 1/);
});

test('every option reaches the server', async () => {
  const scenario = join(folder, 'scenario.json');
  await writeFile(scenario, '{ "version": 1, "name": "from a file" }');
  await using emu = await CosEmuProcess.start({
    scenarioFile: scenario,
    buckets: [bucket, 'other-1250000000@ap-beijing'],
    vaults: ['one', 'two'],
    credentials: [{ id: 'AKIDone', key: 'a' }, { id: 'AKIDtwo', key: 'b', token: 'c' }],
    seed: '0x5eed',
    auth: 'strict',
    controlToken: 'secret',
    further: { 'journal-entries': 3, judge: true },
  });
  const world = await emu.defaultWorld();
  assert.deepEqual([world.name, world.seed], ['from a file', '0x5eed']);
  assert.equal(await send('GET', `${emu.endpoint()}/other-1250000000/k`), 403);
  await assert.rejects(new Client(emu.endpoint()).worlds(), { status: 401 });
});

test('a scenario is given as text or as a value', async () => {
  const value = { version: 1, name: 'given' };
  for (const scenarioJson of [value, JSON.stringify(value)]) {
    await using emu = await CosEmuProcess.start({ scenarioJson });
    assert.equal((await emu.defaultWorld()).name, 'given');
  }
  await assert.rejects(CosEmuProcess.start({ scenario: 'flaky', scenarioJson: value }), TypeError);
  await assert.rejects(CosEmuProcess.start({ further: { listen: '127.0.0.1:1' } }), TypeError);
});

test('the error of a start that fails has the words of the binary', async () => {
  await assert.rejects(CosEmuProcess.start({ seed: 'much' }), (error) => {
    assert.ok(error instanceof StartError);
    assert.match(error.message, /ended with status 2 .*\n.*invalid value 'much' for '--seed <N>': a seed is a number/);
    return true;
  });
  await assert.rejects(CosEmuProcess.start({ scenarioJson: { version: 1, nam: 'x' } }), /E203.*did you mean "name"/s);
  await assert.rejects(CosEmuProcess.start({ binary: join(folder, 'absent') }), /did not start: .*ENOENT/);
});

test('neither options nor proxies of the environment leak in', async (t) => {
  const variables = { COS_EMU_SCENARIO: 'absent', HTTP_PROXY: 'http://127.0.0.1:1', http_proxy: 'http://127.0.0.1:1' };
  Object.assign(process.env, variables);
  t.after(() => Object.keys(variables).forEach((name) => delete process.env[name]));
  await using emu = await CosEmuProcess.start();
  assert.equal((await emu.defaultWorld()).name, 'no faults');
});

test('stop ends the process, and may be called again', async () => {
  const emu = await CosEmuProcess.start();
  process.kill(emu.pid, 0);
  await emu.stop();
  assert.throws(() => process.kill(emu.pid, 0), { code: 'ESRCH' });
  await emu.stop();
});

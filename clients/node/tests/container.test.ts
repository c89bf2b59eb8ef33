import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { StartError } from 'cos-emu';
import { CosEmuContainer, type StartedCosEmuContainer } from 'cos-emu/testcontainers';
import { getContainerRuntimeClient } from 'testcontainers';

import { bucket, folder, noContainers, readOverTls, send, survivesResets } from './support.js';

/** Whether the engine has a container of this id, or with this label, that runs or has ended. */
async function exists(filter: { id: string[] } | { label: string[] }): Promise<boolean> {
  const { container: engine } = await getContainerRuntimeClient();
  return (await engine.dockerode.listContainers({ all: true, filters: filter })).length > 0;
}

const skip = await noContainers(process.env['COS_EMU_IMAGE'] || 'cos-emu:latest');
// Its image cannot be pulled on every machine, so it is nowhere required.
const ryuk = process.env['RYUK_CONTAINER_IMAGE'] || 'testcontainers/ryuk:0.14.0';
const skipRyuk = skip || ((await noContainers(ryuk, false)) && `there is no image ${ryuk}, and it cannot be pulled here`);

describe('a container', { skip }, () => {
  let emu: StartedCosEmuContainer;
  before(async () => {
    emu = await new CosEmuContainer({ scenario: 'reset-mid-upload', buckets: [bucket] }).start();
  });
  after(async () => {
    const id = emu.getId();
    await emu.stop();
    await emu.stop();
    assert.ok(!(await exists({ id: [id] })), 'it is gone after it was stopped');
  });

  test('lets the SDK upload through a reset in each part', () => survivesResets(emu));

  describe('at its own address', { skip: process.platform !== 'linux' && 'only Linux has a way there' }, () => {
    test('hands an RST on', async () => {
      const put = send('PUT', `${emu.containerEndpoint()}/${bucket}/reset`, Buffer.alloc(2 ** 20));
      await assert.rejects(put, /(read|write) (ECONNRESET|EPIPE)/);
    });

    test('is trusted by node:https with its CA', async () => {
      const url = `${emu.containerEndpoint().replace('http:', 'https:')}/_cos-emu/readyz`;
      assert.equal(await readOverTls(url, await emu.ca()), 'ok\n');
    });
  });

  test('has worlds, which are reached by its published port', async () => {
    await using world = await emu.create({ version: 1, name: 'own' });
    assert.equal(world.endpoint, emu.endpoint());
  });
});

test('a container takes a scenario file as text, and a token', { skip }, async () => {
  const scenarioFile = join(folder, 'scenario.json');
  await writeFile(scenarioFile, '{ "version": 1, "name": "from a file" }');
  await using emu = await new CosEmuContainer({ scenarioFile, controlToken: 'secret' }).start();
  assert.equal((await emu.defaultWorld()).name, 'from a file');
});

test('the error of a container that does not start has its words, and nothing is left', { skip }, async () => {
  const label = randomUUID();
  const container = new CosEmuContainer({ scenarioJson: { version: 1, nam: 'x' } }).withLabels({ [label]: '' });
  await assert.rejects(container.start(), (error) => {
    assert.ok(error instanceof StartError);
    assert.match(error.message, /E203.*did you mean "name"/s);
    return true;
  });
  assert.ok(!(await exists({ label: [label] })));
});

test('Ryuk removes a container that nobody stopped', { skip: skipRyuk }, async () => {
  const program = `
    import { CosEmuContainer } from 'cos-emu/testcontainers';
    const emu = await new CosEmuContainer().start();
    console.log(emu.getId());
    process.exit();
  `;
  const { TESTCONTAINERS_RYUK_DISABLED, ...env } = process.env;
  const args = ['--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname, env });
  const deadline = Date.now() + 30_000;
  while (await exists({ id: [stdout.trim()] })) {
    assert.ok(Date.now() < deadline, 'it is still there');
    await delay(500);
  }
});

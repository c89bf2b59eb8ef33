import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import COS from 'cos-nodejs-sdk-v5';
import { ImageName, getContainerRuntimeClient } from 'testcontainers';
import type { AccessKey, CosEmu } from 'cos-emu';

export const bucket = 'demo-1250000000';
export const at = { Bucket: bucket, Region: 'ap-guangzhou' };
/** A folder for what tests write, also for what the SDK remembers of its uploads. */
export const folder = mkdtempSync(join(tmpdir(), 'cos-emu-tests-'));
process.once('exit', () => rmSync(folder, { recursive: true }));

/** The SDK, with the service's own host names at the address of the endpoint. */
export function sdk(endpoint: string, { id, key }: AccessKey = { id: 'AKIDcosemu', key: 'cosemu' }): COS {
  return new COS({ SecretId: id, SecretKey: key, Protocol: 'http:', Ip: new URL(endpoint).host, ConfCwd: folder });
}

/** The SDK uploads a file in parts under `reset-mid-upload`, and everything about it is as it should be. */
export async function survivesResets(emu: CosEmu): Promise<void> {
  const bytes = randomBytes(3 * 2 ** 20 + 17);
  const file = join(folder, 'big.bin');
  await writeFile(file, bytes);
  const cos = sdk(emu.endpoint());

  await cos.uploadFile({ ...at, Key: 'big.bin', FilePath: file, SliceSize: 2 ** 20 });

  const { Body } = await cos.getObject({ ...at, Key: 'big.bin' });
  assert.ok(bytes.equals(Body as Buffer), 'it reads back byte for byte');
  const world = await emu.defaultWorld();
  const { rules } = await world.counts();
  assert.equal(rules.find(({ id }) => id === 'reset-in-part')?.firings, 4, 'each part was reset once');
  const parts = await world.journal({ op: 'UploadPart', status: 200 });
  assert.equal(parts.length, 4);
  assert.ok(parts.every(({ host, attempt }) => host.startsWith(`${bucket}.cos.`) && attempt === 2));
  const verdict = await world.verdict();
  assert.ok(verdict.holds, String(verdict));
}

/** Sends a request as it is, over a connection of its own and without a retry. */
export async function send(method: string, url: string, body?: Buffer, headers = {}): Promise<number> {
  const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.request(url, { method, headers, agent: false }).on('response', resolve).on('error', reject).end(body);
  });
  await text(answer);
  return answer.statusCode!;
}

/** The text of a page that is read over TLS, trusting this CA alone. */
export async function readOverTls(url: string, ca: string): Promise<string> {
  return text(await new Promise<http.IncomingMessage>((resolve, reject) => {
    https.get(url, { ca, agent: false }, resolve).on('error', reject);
  }));
}

/** Why there can be no containers of this image here, aloud; `false` when there can. */
export async function noContainers(image: string, required = process.env['COS_EMU_REQUIRE_CLIENTS'] === '1') {
  let reason: string;
  try {
    const { image: images } = await getContainerRuntimeClient();
    if (await images.exists(ImageName.fromString(image))) {
      return false;
    }
    reason = `there is no image ${image}`;
  } catch (error) {
    reason = `no engine for containers answers: ${(error as Error).message}`;
  }
  assert.ok(!required, `${reason}, but COS_EMU_REQUIRE_CLIENTS is set`);
  console.error(`SKIPPED: ${reason}`);
  return reason;
}

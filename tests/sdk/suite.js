// The official Node SDK against cos-emu: node suite.js <url> <proxy|address|domain> <scenario|none>.
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');
const COS = require('cos-nodejs-sdk-v5');

const [url, mode, scenario] = process.argv.slice(2);
const address = url.split('//')[1];
const Bucket = mode === 'domain' ? 'demo-1250000000' : `node-${mode}-1250000000`;
const Region = 'ap-guangzhou';
const LARGE = 40 * 1024 * 1024 + 7;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cos-emu-'));
const cos = new COS({
  SecretId: 'AKIDcosemu',
  SecretKey: 'cosemu',
  Protocol: 'http:',
  Timeout: 20000,
  ConfCwd: folder,
  ...(mode === 'proxy' ? { Proxy: url } : mode === 'address' ? { Ip: address, ServiceDomain: address } : { Domain: address }),
});

function bytesOf(size) {
  const block = Buffer.alloc(1024 * 1024, crypto.createHash('sha256').update(String(size)).digest());
  return Buffer.concat(Array(Math.floor(size / block.length) + 1).fill(block)).subarray(0, size);
}

function fileOf(size) {
  const file = path.join(folder, `file-${size}`);
  fs.writeFileSync(file, bytesOf(size));
  return file;
}

function check(condition, what) {
  if (!condition) throw new Error(`failed: ${what}`);
}

const upload = (Key, size) =>
  cos.uploadFile({ Bucket, Region, Key, FilePath: fileOf(size), SliceSize: 1024 * 1024, AsyncLimit: 5 });
const download = async (Key) => (await cos.getObject({ Bucket, Region, Key })).Body;
const keys = async () => (await cos.getBucket({ Bucket, Region })).Contents.map((entry) => entry.Key);

async function fails(action, ...codes) {
  try {
    await action();
  } catch (error) {
    check(codes.includes(error.code), `${error.code} (${error.message}) instead of ${codes}`);
    return;
  }
  check(false, `it succeeded, but should have failed with ${codes}`);
}

async function undisturbed() {
  if (mode !== 'domain') {
    await cos.putBucket({ Bucket, Region });
    const buckets = (await cos.getService()).Buckets.map((bucket) => bucket.Name);
    check(buckets.includes(Bucket), `getService: ${buckets}`);
  }
  const sizes = [0, 1, 5 * 1024 * 1024, LARGE];
  const names = sizes.map((size) => `size/${size} bytes+中文.bin`);
  for (const [index, size] of sizes.entries()) await upload(names[index], size);
  const listed = await keys();
  check(JSON.stringify(listed.sort()) === JSON.stringify([...names].sort()), `getBucket: ${listed}`);
  for (const [index, size] of sizes.entries()) {
    check((await download(names[index])).equals(bytesOf(size)), `getObject of ${size} bytes`);
    const head = await cos.headObject({ Bucket, Region, Key: names[index] });
    check(Number(head.headers['content-length']) === size, 'headObject');
  }
  const copy = path.join(folder, 'copy');
  await cos.downloadFile({ Bucket, Region, Key: names[3], FilePath: copy, ChunkSize: 1024 * 1024, ParallelLimit: 5 });
  check(fs.readFileSync(copy).equals(bytesOf(LARGE)), 'downloadFile');
  await fails(() => cos.getObject({ Bucket, Region, Key: 'none' }), 'NoSuchKey');
  const Objects = names.slice(0, 2).map((Key) => ({ Key }));
  check((await cos.deleteMultipleObject({ Bucket, Region, Objects })).Deleted.length === 2, 'deleteMultipleObject');
  for (const Key of names.slice(2)) await cos.deleteObject({ Bucket, Region, Key });
  check((await keys()).length === 0, 'everything is deleted');
  if (mode !== 'domain') await cos.deleteBucket({ Bucket, Region });
}

async function disturbed() {
  await cos.putBucket({ Bucket, Region });
  switch (scenario) {
    case 'flaky':
    case 'misaligned-content-range':
      await upload('large', LARGE);
      break;
    case 'content-length-mismatch':
      // This SDK sends a part again even after a 400.
      await upload('large', LARGE);
      break;
    case 'hash-mismatch':
      // It does not compare the ETag of a part, and passes the wrong one on.
      await fails(() => upload('large', LARGE), 'InvalidPart');
      check((await keys()).length === 0, 'no object comes into being');
      return;
    case 'no-such-upload':
      await fails(() => upload('large', LARGE), 'NoSuchUpload');
      await fails(() => upload('large', LARGE), 'NoSuchUpload');
      check((await keys()).length === 0, 'no object comes into being');
      await upload('large', LARGE);
      break;
    default:
      throw new Error(`unknown scenario ${scenario}`);
  }
  check(JSON.stringify(await keys()) === '["large"]', 'the object is there');
  let content = Buffer.alloc(0);
  for (let attempt = 0; attempt < 10 && content.length !== LARGE; attempt += 1) {
    content = await download('large').catch(() => content);
  }
  check(content.equals(bytesOf(LARGE)), 'every byte is right');
}

(scenario === 'none' ? undisturbed() : disturbed())
  .then(() => console.log('ok'))
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => fs.rmSync(folder, { recursive: true }));

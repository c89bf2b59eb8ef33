// A program that knows of no faults, on the official Node SDK: node incident.js <proxy|address> <url> <id> <key> [token].
// With FIXTURE_KEYS in the environment it only puts those keys of the bucket of sdk-retry-fixture. Prints one JSON object: for each step what came of it, "ok" or the error as the SDK tells it.
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');
const COS = require('cos-nodejs-sdk-v5');

const [mode, url, SecretId, SecretKey, SecurityToken] = process.argv.slice(2);
const address = url.split('//')[1];
const place = { Bucket: 'demo-1250000000', Region: 'ap-guangzhou' };
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cos-emu-'));
const cos = new COS({
  SecretId,
  SecretKey,
  SecurityToken,
  Protocol: 'http:',
  Timeout: 3000,
  ConfCwd: folder,
  ...(mode === 'proxy' ? { Proxy: url } : { Ip: address }),
});
const block = Buffer.alloc(1024 * 1024, crypto.createHash('sha256').update('content').digest());
const content = Buffer.concat([block, block, block, block]).subarray(0, 3 * 1024 * 1024 + 7);
const FilePath = path.join(folder, 'content');
fs.writeFileSync(FilePath, content);

async function read(Key, expected, options) {
  const got = (await cos.getObject({ ...place, Key, ...options })).Body;
  return Buffer.compare(got, expected) === 0 ? 'ok' : `took ${got.length} wrong bytes for success`;
}

async function put(Key, Body) {
  await cos.putObject({ ...place, Key, Body });
  return 'ok';
}

async function fixture(Key) {
  await cos.putObject({ Bucket: 'cos-sdk-err-retry-1250000000', Region: place.Region, Key, Body: 'body' });
  return 'ok';
}

const keys = (process.env.FIXTURE_KEYS || '').split(' ').filter(Boolean);
const steps = keys.length > 0 ? Object.fromEntries(keys.map((key) => [` ${key}`, () => fixture(key)])) : {
  'upload in parts': async () => {
    await cos.uploadFile({ ...place, Key: 'big', FilePath, SliceSize: 1024 * 1024, ChunkSize: 1024 * 1024, AsyncLimit: 2 });
    return 'ok';
  },
  'read back': () => read('big', content),
  put: () => put('small', Buffer.from('hello')),
  read: () => read('small', Buffer.from('hello')),
  'read a range': () => read('small', Buffer.from('he'), { Range: 'bytes=0-1' }),
  'put nothing': () => put('empty', Buffer.alloc(0)),
  append: async () => {
    await cos.appendObject({ ...place, Key: 'log', Position: 0, Body: Buffer.from('one,') });
    await cos.appendObject({ ...place, Key: 'log', Position: 4, Body: Buffer.from('two') });
    return read('log', Buffer.from('one,two'));
  },
  list: async () => {
    const keys = [];
    let Marker = '';
    for (let page = 0; page < 20; page += 1) {
      const listed = await cos.getBucket({ ...place, Marker });
      keys.push(...listed.Contents.map((entry) => entry.Key));
      if (listed.IsTruncated !== 'true') {
        return keys.includes('big') && keys.includes('small') ? 'ok' : `sees only ${[...new Set(keys)].sort()}`;
      }
      Marker = listed.NextMarker || '';
    }
    return 'lists the same page for ever';
  },
  'read on': async () => {
    for (let time = 0; time < 10; time += 1) {
      const result = await read('small', Buffer.from('hello'));
      if (result !== 'ok') return result;
    }
    return 'ok';
  },
};

process.on('uncaughtException', (error) => {
  console.log(JSON.stringify([['the process', `dies of an unhandled ${error.code || error.name}`]]));
  process.exit(0);
});

(async () => {
  const results = [];
  for (const [name, step] of Object.entries(steps)) {
    try {
      results.push([name.trim(), await step()]);
    } catch (error) {
      const status = error.statusCode ? `error ${error.statusCode} ` : 'error ';
      results.push([name.trim(), `${status}${error.code || error.name || 'without a code'}`]);
    }
  }
  console.log(JSON.stringify(results));
  process.exit(0);
})();

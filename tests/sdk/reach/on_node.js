// A program on the official Node SDK that knows nothing of cos-emu: it uploads in parts, reads back, and prints `ok`.
'use strict';

const assert = require('assert');
const crypto = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');
const COS = require('cos-nodejs-sdk-v5');

const place = { Bucket: process.env.COS_BUCKET, Region: process.env.COS_REGION, Key: 'node' };
const cos = new COS({ SecretId: process.env.COS_SECRET_ID, SecretKey: process.env.COS_SECRET_KEY });

async function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'reach-'));
  const FilePath = path.join(folder, 'content');
  const content = crypto.randomBytes(3 * 1024 * 1024 + 17);
  try {
    fs.writeFileSync(FilePath, content);
    // What is in memory is tried once more often than what is in a file.
    await cos.putObject({ ...place, Body: content });
    await cos.uploadFile({ ...place, FilePath, SliceSize: 1024 * 1024 });
    assert((await cos.getObject(place)).Body.equals(content));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
  console.log('ok');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

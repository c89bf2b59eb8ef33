// Holds a HAR file to the schema of HAR 1.2: node valid_har.js <file.har>.
'use strict';

const Ajv = require('ajv');
const fs = require('fs');
const schemas = require('har-schema');

const ajv = new Ajv({ allErrors: true });
ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-06.json'));
Object.values(schemas).forEach((schema) => ajv.addSchema(schema));
if (!ajv.validate('har.json', JSON.parse(fs.readFileSync(process.argv[2])))) {
  console.error(ajv.errorsText());
  process.exit(1);
}

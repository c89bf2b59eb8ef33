// cos-nodejs-sdk-v5
const COS = require('cos-nodejs-sdk-v5');
const cos = new COS({ SecretId: '@id@', SecretKey: '@key@', Protocol: 'http:', Ip: '@addr@' });

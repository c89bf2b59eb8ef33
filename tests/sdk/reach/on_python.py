"""A program on the official Python SDK that knows nothing of cos-emu: it uploads in parts, reads back, and prints `ok`."""

import os
import tempfile

from qcloud_cos import CosConfig, CosS3Client

bucket = os.environ["COS_BUCKET"]
content = os.urandom(3 * 1024 * 1024 + 17)
config = CosConfig(
    Region=os.environ["COS_REGION"],
    SecretId=os.environ["COS_SECRET_ID"],
    SecretKey=os.environ["COS_SECRET_KEY"],
    AutoSwitchDomainOnRetry=True,
)
client = CosS3Client(config)
with tempfile.NamedTemporaryFile() as file:
    file.write(content)
    file.flush()
    client.upload_file(Bucket=bucket, Key="python", LocalFilePath=file.name, PartSize=1, MAXThread=2)
assert client.get_object(Bucket=bucket, Key="python")["Body"].get_raw_stream().read() == content
print("ok")

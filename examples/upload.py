"""Uploads 3 MiB in parts with the official Python SDK, to where `cos-emu exec` says: python upload.py."""

import logging
import os
import sys
import tempfile

from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_exception import CosServiceError

logging.disable(logging.CRITICAL)
address, port = os.environ["COS_ENDPOINT"].split("//")[1].split(":")
client = CosS3Client(CosConfig(Region=os.environ["COS_REGION"], SecretId=os.environ["COS_SECRET_ID"],
                               SecretKey=os.environ["COS_SECRET_KEY"], Scheme="http", IP=address, Port=int(port)))
with tempfile.NamedTemporaryFile() as file:
    file.write(bytes(3 << 20))
    file.flush()
    try:
        client.upload_file(Bucket=os.environ["COS_BUCKET"], Key="big.bin", LocalFilePath=file.name, PartSize=1)
    except CosServiceError as error:
        sys.exit("the upload failed: %s" % error.get_error_code())
print("uploaded")

"""The official SDK, pointed at the emulator as its users would."""

from __future__ import annotations

import os
from pathlib import Path

from qcloud_cos import CosConfig, CosS3Client

from cos_emu import AccessKey, Server, World

BUCKET = "demo-1250000000"
PARTS = 3
USUAL_KEY = AccessKey("AKIDcosemu", "cosemu")


def sdk(at: Server | World, key: AccessKey = USUAL_KEY, retry: int = 3) -> CosS3Client:
    """A client that keeps the real names of hosts, and dials the emulator instead."""
    config = CosConfig(
        Region="ap-guangzhou", SecretId=key.id, SecretKey=key.key, Scheme="http", IP=at.host, Port=at.port
    )
    return CosS3Client(config, retry=retry)


def sdk_by_proxy(at: Server, key: AccessKey) -> CosS3Client:
    """A client that reaches the emulator as a proxy: the other one looks up the host of the list of buckets."""
    proxies = {"http": at.proxy}
    return CosS3Client(
        CosConfig(Region="ap-guangzhou", SecretId=key.id, SecretKey=key.key, Scheme="http", Proxies=proxies)
    )


def upload_in_parts(client: CosS3Client, folder: Path) -> None:
    """Uploads parts of 1 MiB, and reads them back byte for byte."""
    content = os.urandom(PARTS << 20)
    path = folder / "big.bin"
    path.write_bytes(content)
    client.upload_file(Bucket=BUCKET, Key="big.bin", LocalFilePath=path, PartSize=1)
    read = client.get_object(Bucket=BUCKET, Key="big.bin")["Body"].get_raw_stream().read()
    assert read == content

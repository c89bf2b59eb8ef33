# cos-python-sdk-v5
from qcloud_cos import CosConfig, CosS3Client

client = CosS3Client(CosConfig(
    Region="@region@", SecretId="@id@", SecretKey="@key@",
    Scheme="http", IP="@host@", Port=@port@,
))

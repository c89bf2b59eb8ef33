# cosfs, the filesystem of fsspec; it goes by the proxy of the environment
import os
os.environ["http_proxy"] = "http://@addr@"
import fsspec

files = fsspec.filesystem("cosn", region="@region@", secret_id="@id@", secret_key="@key@", scheme="http")

# opendal; it reads the proxy of the environment once, when its first operator is used
import os
os.environ["HTTP_PROXY"] = os.environ["http_proxy"] = "http://@addr@"
import opendal

operator = opendal.Operator(
    "cos", bucket="@bucket@", endpoint="http://cos.@region@.myqcloud.com", secret_id="@id@", secret_key="@key@",
).layer(opendal.layers.RetryLayer())

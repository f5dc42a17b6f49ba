"""Serves S3 and CloudWatch of moto, filled: the files below a folder as the objects of the bucket `logs`, and two
days of metrics of a model. Prints the URLs of both, and ends when its standard input does.

    moto_server.py FOLDER

The SDK for Rust speaks to CloudWatch in CBOR (Smithy RPC v2), which moto does not know. What comes in CBOR is
therefore handed on to moto through boto3, and its answer back in CBOR.
"""

import datetime
import logging
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import cbor2
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
sys.stdout, real = sys.stderr, sys.stdout
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"
keys = dict(
    endpoint_url=url,
    region_name="us-east-1",
    aws_access_key_id="key",
    aws_secret_access_key="secret",
)

s3 = boto3.client("s3", **keys)
s3.create_bucket(Bucket="logs")
folder = sys.argv[1]
for path, _, names in sorted(os.walk(folder)):
    for name in sorted(names):
        full = os.path.join(path, name)
        key = os.path.relpath(full, folder)
        with open(full, "rb") as file:
            s3.put_object(Bucket="logs", Key=key, Body=file.read())

cloudwatch = boto3.client("cloudwatch", **keys)
begin = datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc)
model = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
for hour in range(48):
    at = begin + datetime.timedelta(hours=hour, minutes=30)
    values = {
        "Invocations": 100 + hour,
        "InvocationThrottles": 3,
        "InputTokenCount": 50_000,
        "OutputTokenCount": 7_000,
        "CacheReadInputTokenCount": 1_000,
        "TimeToFirstToken": 800,
    }
    cloudwatch.put_metric_data(
        Namespace="AWS/Bedrock",
        MetricData=[
            dict(
                MetricName=name,
                Dimensions=[dict(Name="ModelId", Value=model)],
                Timestamp=at,
                Value=value,
            )
            for name, value in values.items()
        ],
    )



class Translated(BaseHTTPRequestHandler):
    """Calls in CBOR: /service/NAME/operation/OPERATION."""

    OPERATIONS = {
        "ListMetrics": cloudwatch.list_metrics,
        "GetMetricData": cloudwatch.get_metric_data,
    }

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        call = self.OPERATIONS[self.path.rsplit("/", 1)[1]]
        answer = call(**(cbor2.loads(body) if body else {}))
        del answer["ResponseMetadata"]
        data = cbor2.dumps(answer, datetime_as_timestamp=True)
        self.send_response(200)
        self.send_header("smithy-protocol", "rpc-v2-cbor")
        self.send_header("content-type", "application/cbor")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


translated = ThreadingHTTPServer(("127.0.0.1", 0), Translated)
threading.Thread(target=translated.serve_forever, daemon=True).start()
print(url, file=real, flush=True)
print(f"http://127.0.0.1:{translated.server_port}", file=real, flush=True)
sys.stdin.read()
translated.shutdown()
server.stop()

"""Calls through boto3 against a server that refuses them as its script says.

Usage: retry_boto3.py ENDPOINT MODE ATTEMPTS CLIENTS TASKS CALLS SECONDS

MODE is a retry mode of botocore, ATTEMPTS the attempts of a call in all, or 0 for the default. Each of
CLIENTS clients has TASKS threads, each of which makes CALLS calls one after the other and begins none after
SECONDS. A call says in its metadata who it is: client-task-call. How the calls ended is none of its business.
"""

import sys
import threading
import time

import boto3
import botocore.exceptions
from botocore.config import Config

ENDPOINT, MODE = sys.argv[1:3]
ATTEMPTS, CLIENTS, TASKS, CALLS = (int(word) for word in sys.argv[3:7])
SECONDS = float(sys.argv[7])
# Starts this far apart keep the threads from disturbing each other's delays.
APART = 0.01

retries = {"mode": MODE}
if ATTEMPTS:
    retries["total_max_attempts"] = ATTEMPTS
session = boto3.Session(
    region_name="us-east-1",
    aws_access_key_id="AKIDEXAMPLE",
    aws_secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
)


def work(client, name, after):
    time.sleep(after)
    for call in range(CALLS):
        if time.monotonic() - BEGIN > SECONDS:
            return
        try:
            client.converse(
                modelId="amazon.nova-lite-v1:0",
                messages=[{"role": "user", "content": [{"text": "hello"}]}],
                requestMetadata={"case": f"{name}-{call}"},
            )
        except botocore.exceptions.ClientError:
            pass


config = Config(retries=retries, max_pool_connections=max(TASKS, 1))
clients = [
    session.client("bedrock-runtime", endpoint_url=ENDPOINT, config=config)
    for _ in range(CLIENTS)
]
BEGIN = time.monotonic()
threads = [
    threading.Thread(target=work, args=(client, f"{c}-{t}", APART * (c * TASKS + t)))
    for c, client in enumerate(clients)
    for t in range(TASKS)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

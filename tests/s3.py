"""An S3 server of the tests' own: it knows one key, and its folder may be full."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

KEY, SECRET, BUCKET = "lab-key", "lab-secret-of-tests", "lab"
SERVER = """
import sys
from nanio import cli
from nanio.storage.filesystem import FilesystemStorage

get_object = FilesystemStorage.get_object

async def cut(self, bucket, key, *, range_start=None, range_end=None):
    last = self.head_object(bucket, key).size - 1
    if last < 0:
        range_start = range_end = None
    return await get_object(self, bucket, key, range_start=range_start, range_end=range_end and min(range_end, last))

FilesystemStorage.get_object = cut
sys.exit(cli.main())
"""
"""nanio 0.1.7 refuses a range that ends beyond an object's end, and boto3 asks for nothing else. S3 cuts it."""


class Bucket:
    """A server with one bucket.

    Args:
        folder: where it keeps what it is given.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server = None

    @property
    def environment(self) -> dict[str, str]:
        """What a process that may use it has in its environment."""
        return {
            "MLFLOW_S3_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            # stores that are older than boto3 1.36 know no other
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
            "AWS_MAX_ATTEMPTS": "1",
        }

    def start(self, secret: str = SECRET) -> None:
        """Start it, with another secret where it is to refuse ours, and wait until it answers."""
        program = [sys.executable, "-c", SERVER, "serve", "--host", "127.0.0.1", "--port", str(self.port)]
        self._server = subprocess.Popen(
            [*program, "--data-dir", str(self.folder), "--no-access-log", "--log-level", "error"],
            env=os.environ | {"NANIO_ACCESS_KEY": KEY, "NANIO_SECRET_KEY": secret},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(self.url, timeout=2)
            except urllib.error.HTTPError:  # it wants a signature
                return
            except OSError:
                assert time.monotonic() < end
                assert self._server.poll() is None
                time.sleep(0.1)
            else:
                return

    def make(self) -> None:
        """Make the bucket."""
        import boto3

        keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        boto3.client("s3", endpoint_url=self.url, **keys).create_bucket(Bucket=BUCKET)

    def content(self, key: str) -> bytes:
        """What is under a key."""
        import boto3

        keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=self.url, **keys).get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def stop(self) -> None:
        """End it."""
        self._server.terminate()
        self._server.wait(30)

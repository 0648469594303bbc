"""A folder in a bucket of an S3 server. The only user of boto3; every error is one line.

Nothing is ever whole in memory: objects go and come in parts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from io import BufferedReader
from typing import Any

from ...model.data.manifest import LONGEST
from ...model.data.offsite import Copy, Folder, Keys, Offsite, Stock, is_manifest, read_copy, stock
from ...model.errors import FAILED, REFUSED, Trouble

PART = 8 << 20
"""Bytes of a part of an upload: this much is in memory."""
PARTS = 9000
"""Parts that an upload may have (S3 takes 10000); of something larger each part is larger."""
CHUNK = 1 << 20
CONNECT, ANSWER = 5, 30
"""Seconds to reach the S3 server, and that it may keep still."""
ATTEMPTS = 3
SIDE_BY_SIDE = 8
"""Manifests that are read at a time."""
CAUSES: Mapping[str, str] = {
    "InvalidAccessKeyId": "it does not know S3_ACCESS_KEY_ID of .env",
    "SignatureDoesNotMatch": "S3_SECRET_ACCESS_KEY of .env is wrong",
    "AccessDenied": "the keys of .env may not do that (AccessDenied)",
    "403": "the keys of .env may not do that (403)",
    "NoSuchBucket": "there is no such bucket; make it, or correct s3_bucket in hosts.ini",
}
"""What is wrong with the settings, by the S3 server's code: exit code 2."""
GONE = ("NoSuchKey", "404")


def connect(offsite: Offsite, keys: Keys) -> Any:
    """A client of the S3 server; nothing is asked yet. Exit code 2 when the library refuses."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    try:
        return _client(boto3, Config, offsite, keys)
    except (BotoCoreError, ValueError) as error:
        raise Trouble(f"no client of S3 can be made: {error}", code=REFUSED) from None


def _client(boto3: Any, config: Any, offsite: Offsite, keys: Keys) -> Any:
    # Not every server but Amazon's takes the checksums that newer libraries add unasked. What was
    # sent is read back and compared in any case.
    checksums = "when_required" if offsite.endpoint else "when_supported"
    return boto3.client(
        "s3",
        aws_access_key_id=keys.id,
        aws_secret_access_key=keys.secret,
        region_name=offsite.region,
        endpoint_url=offsite.endpoint or None,
        config=config(
            connect_timeout=CONNECT,
            read_timeout=ANSWER,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            request_checksum_calculation=checksums,
            response_checksum_validation=checksums,
            s3={"addressing_style": "path" if offsite.endpoint else "auto"},
        ),
    )


class Bucket:
    """A server's folder in the bucket."""

    def __init__(self, client: Any, folder: Folder, offsite: Offsite, signing: str) -> None:
        self._client = client
        self._offsite = offsite
        self._signing = signing
        self.folder = folder

    def look(self) -> Stock:
        """What stands there."""
        with self._told():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.folder.bucket, Prefix=self.folder.path
            )
            listed = [one for page in pages for one in page.get("Contents", ())]
            start = len(self.folder.path)
            sizes = {one["Key"][start:]: one["Size"] for one in listed if one["Key"][start:]}
            names = [name for name in sizes if is_manifest(name)]
            with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
                texts = dict(zip(names, pool.map(self._text, names), strict=True))
        there = {name: text for name, text in texts.items() if text}
        return stock(sizes, there, self.folder.server, self._signing)

    def copy(self, name: str) -> Copy | None:
        """The copy of a backup; None when there is none, Doubt when its manifest proves nothing."""
        with self._told():
            text = self._text(f"{name}.json")
        return read_copy(text, name, self.folder.server, self._signing) if text else None

    def send(self, name: str, stream: BufferedReader, expected: int) -> tuple[int, str]:
        """Make an object of a stream; its size and digest. ``expected``: about so many bytes."""
        from boto3.s3.transfer import TransferConfig

        part = max(PART, -(-expected // PARTS))
        config = TransferConfig(
            multipart_threshold=part, multipart_chunksize=part, use_threads=False
        )
        counted = _Counted(stream)
        storage = self._offsite.storage_class
        with self._told():
            stream.peek(1)  # whoever cannot send ends here, before anything is touched
            self._abort(name)
            # What came of one that fails is removed by the library, as far as it gets there.
            self._client.upload_fileobj(
                counted,
                self.folder.bucket,
                self.folder.path + name,
                ExtraArgs={"StorageClass": storage} if storage else None,
                Config=config,
            )
        return counted.bytes, counted.digest.hexdigest()

    def _abort(self, name: str) -> None:
        """End uploads of this object that a run which was cut off has left, where that can be."""
        from botocore.exceptions import BotoCoreError, ClientError

        where = {"Bucket": self.folder.bucket}
        key = self.folder.path + name
        with suppress(BotoCoreError, ClientError):
            found = self._client.list_multipart_uploads(**where, Prefix=key).get("Uploads") or ()
            for one in found:
                if one["Key"] == key:
                    self._client.abort_multipart_upload(**where, Key=key, UploadId=one["UploadId"])

    def chunks(self, name: str) -> Iterator[bytes]:
        """What the object holds."""
        with self._told():
            answer = self._client.get_object(Bucket=self.folder.bucket, Key=self.folder.path + name)
            yield from answer["Body"].iter_chunks(CHUNK)

    def write(self, copy: Copy) -> None:
        """Write the manifest of a copy: from then on it counts."""
        with self._told():
            self._client.put_object(
                Bucket=self.folder.bucket,
                Key=f"{self.folder.path}{copy.backup.name}.json",
                Body=copy.to_manifest(self._signing).encode(),
                ContentType="application/json",
            )

    def remove(self, copy: Copy) -> str:
        """Remove a copy, its manifest first; empty, or why the S3 server keeps it."""
        from botocore.exceptions import ClientError

        with self._told():
            try:
                for name in (f"{copy.backup.name}.json", copy.object):
                    self._client.delete_object(
                        Bucket=self.folder.bucket, Key=self.folder.path + name
                    )
            except ClientError as error:
                if error.response["ResponseMetadata"].get("HTTPStatusCode", 500) >= 500:
                    raise
                return str(error.response["Error"].get("Code") or "refused")
        return ""

    def _text(self, name: str) -> str:
        from botocore.exceptions import ClientError

        try:
            answer = self._client.get_object(Bucket=self.folder.bucket, Key=self.folder.path + name)
            return str(answer["Body"].read(LONGEST + 1).decode("utf-8", "replace"))
        except ClientError as error:
            if error.response["Error"].get("Code") in GONE:
                return ""
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """An error of the library as one line, with its exit code."""
        from botocore.exceptions import BotoCoreError, ClientError

        where = self.folder.address()
        try:
            yield
        except ClientError as error:
            told = error.response.get("Error", {})
            code = str(told.get("Code", ""))
            if code in GONE:
                raise Trouble(f"{where}: the object is gone") from None
            cause = CAUSES.get(code) or f"{code}: {told.get('Message', '')}".strip(": ")
            exit_code = REFUSED if code in CAUSES else FAILED
            raise Trouble(f"{where}: {cause}", code=exit_code) from None
        except (BotoCoreError, OSError) as error:
            server = self._offsite.endpoint or "Amazon's S3"
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise Trouble(
                f"{where}: {server} cannot be reached, or the connection was cut ({reason})"
            ) from None


class _Counted:
    """A stream that counts and digests what is read from it."""

    def __init__(self, stream: BufferedReader) -> None:
        self._stream = stream
        self.bytes = 0
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = self._stream.read(size)
        self.bytes += len(data)
        self.digest.update(data)
        return data

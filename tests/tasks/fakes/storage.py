"""A simulated S3 server, as the client library shows it, whose every step can fail."""
# ruff: noqa: N803 - the arguments have the names that the library gives them

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

from fabfile.model.data.offsite import Keys, Offsite

KEYS = ("K3yOfTheBackups", "s3cretOfTheBackups")
SIGNING = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
BUCKET = "copies"
PART = 64
CODES = {"NoSuchKey": 404, "NoSuchBucket": 404, "SlowDown": 503}


@dataclass
class Fault:
    """What happens instead of a step."""

    pattern: str
    raises: Callable[[str], Exception]
    times: int


def refuses(code: str) -> Callable[[str], Exception]:
    """The answer of a server that says no."""

    def error(step: str) -> Exception:
        answer = {
            "Error": {"Code": code, "Message": f"{code} of the S3 server"},
            "ResponseMetadata": {"HTTPStatusCode": CODES.get(code, 403)},
        }
        return ClientError(answer, step)

    return error


def cut(_step: str) -> Exception:
    """The network is cut."""
    return EndpointConnectionError(endpoint_url="https://s3.example")


class Body:
    """What an object holds, as it comes."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int) -> bytes:
        return self._data.read(size)

    def iter_chunks(self, _size: int) -> Iterator[bytes]:
        while chunk := self._data.read(PART):
            yield chunk


class Storage:
    """One bucket. ``did`` is what was changed in it, a line per step."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.classes: dict[str, str] = {}
        self.unfinished: dict[str, str] = {}
        """Upload → object, of those that nobody has ended."""
        self.faults: list[Fault] = []
        self.did: list[str] = []
        self.asked = 0
        self.keys = KEYS
        self.damage: Callable[[bytes], bytes] = bytes
        """What becomes of an object while it is written."""

    def connect(self, _offsite: Offsite, keys: Keys) -> Client:
        return Client(self, (keys.id, keys.secret))

    def fail(self, pattern: str, raises: Callable[[str], Exception], times: int = 10**6) -> None:
        """Let the steps that match fail from now on."""
        self.faults.append(Fault(pattern, raises, times))


@dataclass
class Client:
    """Stands for what ``boto3.client`` returns."""

    storage: Storage
    keys: tuple[str, str]

    def get_paginator(self, _operation: str) -> Client:
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        self._step("list", Bucket, Prefix)
        found = [key for key in sorted(self.storage.objects) if key.startswith(Prefix)]
        yield {"Contents": [{"Key": k, "Size": len(self.storage.objects[k])} for k in found[:1]]}
        yield {"Contents": [{"Key": k, "Size": len(self.storage.objects[k])} for k in found[1:]]}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        self._step("get", Bucket, Key)
        if Key not in self.storage.objects:
            raise refuses("NoSuchKey")("GetObject")
        return {"Body": Body(self.storage.objects[Key])}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:
        self._step("put", Bucket, Key)
        self.storage.objects[Key] = Body

    def upload_fileobj(
        self, stream: Any, bucket: str, key: str, *, ExtraArgs: dict[str, str] | None, Config: Any
    ) -> None:
        assert not Config.use_threads
        self._step("upload", bucket, key)
        upload = f"upload-{len(self.storage.did)}"
        self.storage.unfinished[upload] = key
        data = b""
        try:
            while part := stream.read(PART):
                self._step("part", bucket, key, note=False)
                data += part
        except Exception:
            # As the library does it, also when that fails as well.
            with suppress(Exception):
                self.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
            raise
        del self.storage.unfinished[upload]
        self.storage.objects[key] = self.storage.damage(data)
        self.storage.classes[key] = (ExtraArgs or {}).get("StorageClass", "")

    def list_multipart_uploads(self, *, Bucket: str, Prefix: str) -> dict[str, Any]:
        self._step("uploads", Bucket, Prefix, note=False)
        found = self.storage.unfinished.items()
        return {"Uploads": [{"Key": k, "UploadId": u} for u, k in found if k.startswith(Prefix)]}

    def abort_multipart_upload(self, *, Bucket: str, Key: str, UploadId: str) -> None:
        self._step("abort", Bucket, Key)
        del self.storage.unfinished[UploadId]

    def delete_object(self, *, Bucket: str, Key: str) -> None:
        self._step("delete", Bucket, Key)
        self.storage.objects.pop(Key, None)

    def _step(self, kind: str, bucket: str, key: str, *, note: bool = True) -> None:
        storage, step = self.storage, f"{kind} {key}"
        storage.asked += 1
        for fault in storage.faults:
            if fault.times and re.search(fault.pattern, step):
                fault.times -= 1
                raise fault.raises(kind)
        if self.keys[0] != storage.keys[0]:
            raise refuses("InvalidAccessKeyId")(kind)
        if self.keys[1] != storage.keys[1]:
            raise refuses("SignatureDoesNotMatch")(kind)
        if bucket != BUCKET:
            raise refuses("NoSuchBucket")(kind)
        if note and kind not in ("list", "get"):
            storage.did.append(step)

"""What new replicas are given that compose would copy into them: the tar, and its way there."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from typing import Any

from fabfile.model.deploy.copied import copies
from fabfile.model.deploy.plan import target_of
from fabfile.model.deploy.resolved import parse

from .builders import SERVER, commit

READS: dict[str, Any] = {
    "configs": [
        {"source": "inline", "target": "/etc/app.conf", "uid": "7", "gid": "8", "mode": "0440"},
        {"source": "old", "mode": 0o400},
        {"source": "file", "target": "/etc/file.conf"},
    ],
    "secrets": [{"source": "key", "target": "key"}],
}


def found(**service: Any) -> bytes:
    model = {
        "name": "app",
        "services": {"a": {"image": "a:1", **service}},
        "configs": {
            "inline": {"content": "costs $$5"},
            "old": {"content": "é"},
            "file": {"file": "/home/ubuntu/app/conf/app.yml"},
        },
        "secrets": {"key": {"environment": "KEY"}},
    }
    stack = parse(json.dumps(model), "")
    target = target_of(SERVER, stack, replace(commit(), effective={"KEY": "kq8$$vPz"}))
    return copies(target.stack.service("a"), target)


def test_what_is_no_file_is_put_where_the_stack_says_with_its_owner_and_mode() -> None:
    with tarfile.open(fileobj=io.BytesIO(found(**READS))) as archive:
        held = {
            one.name: (
                one.mode,
                one.uid,
                one.gid,
                (archive.extractfile(one) or io.BytesIO()).read(),
            )
            for one in archive
        }
    assert held == {
        "etc/app.conf": (0o440, 7, 8, b"costs $5"),
        "old": (0o400, 0, 0, "é".encode()),
        "run/secrets/key": (0o444, 0, 0, b"kq8$$vPz"),
    }


def test_a_service_that_reads_files_alone_is_given_nothing() -> None:
    assert found() == b""
    assert found(configs=[{"source": "file"}]) == b""

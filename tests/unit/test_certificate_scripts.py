"""The scripts that keep, ask for and sign certificates, run by a real shell and openssl."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from cryptography import x509
from invoke import Context

from fabfile.model.certificates.authority import Due, due, permits
from fabfile.model.certificates.certificate import Sighting, anchor, serial
from fabfile.model.errors import Trouble
from fabfile.remote.certificates import acme, authority, certificates
from fabfile.remote.host import Host

from .builders import SERVER

FORMER = {"fullchain.pem": "former certificate", "privkey.pem": "former key"}
ADDRESS = "192.0.2.7"
NEW = Due("none yet", "none yet")
CERTBOT = """\
#!/bin/bash
# Ends each try as the next line of $STUBS/answers says: a kind of error, or nothing.
printf '%s\\n' "$*" >>"$STUBS/asked"
logs=$ROOT/acme/logs
mkdir -p "$logs"
answer=$(sed -n "$(wc -l <"$STUBS/asked")p" "$STUBS/answers")
[ -n "$answer" ] || exit 0
printf 'Traceback:\\n%s\\n' "$answer" >"$logs/letsencrypt.log"
printf 'An unexpected error occurred:\\n%s\\n' "${answer##* :: }"
exit 1
"""
BAD_NONCE = "acme.messages.Error: urn:ietf:params:acme:error:badNonce :: The client :: too late"
REFUSED = "acme.messages.Error: urn:ietf:params:acme:error:rateLimited :: Many :: too many"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A server with folders for its state, and the addresses of a link."""
    root = PurePosixPath(tmp_path / "root")
    Path(root / "certs").mkdir(parents=True)
    Path(root / "proxy").mkdir()
    return Host(replace(SERVER, root=root, connection="local"), Context())


def certs(host: Host) -> dict[str, str]:
    return {
        path.name: path.read_text()
        for path in Path(host.server.root, "certs").iterdir()
        if path.is_file()
    }


def mode(path: PurePosixPath) -> int:
    return Path(path).stat().st_mode & 0o777


@pytest.fixture
def with_certificate(host: Host) -> Host:
    for name, text in FORMER.items():
        Path(host.server.root, "certs", name).write_text(text)
    return host


# --- the pair in place


def test_a_new_certificate_is_for_its_owner_alone(with_certificate: Host) -> None:
    certificates.keep(with_certificate)
    certificates.put(with_certificate, "certificate", "key")
    folder = with_certificate.server.root / "certs"
    assert [mode(folder / name) for name in FORMER] == [0o600, 0o600]
    certificates.forget(with_certificate)
    assert certs(with_certificate) == {"fullchain.pem": "certificate", "privkey.pem": "key"}


def test_the_former_certificate_comes_back_with_its_key(with_certificate: Host) -> None:
    certificates.keep(with_certificate)
    certificates.put(with_certificate, "certificate", "key")
    certificates.put_back(with_certificate)
    assert certs(with_certificate) == FORMER
    certificates.put_back(with_certificate)
    assert certs(with_certificate) == FORMER


def test_without_a_former_certificate_nothing_is_kept(host: Host) -> None:
    with pytest.raises(Trouble):
        certificates.keep(host)
    assert certs(host) == {}


def test_what_was_issued_is_copied_for_its_owner_alone_through_links(
    with_certificate: Host,
) -> None:
    """Certbot's files are links into its archive, and the certificate is there for all to read."""
    source = acme.source(with_certificate)
    Path(source.live).mkdir(parents=True)
    for name in FORMER:
        (Path(source.live) / f"real-{name}").write_text(f"issued {name}")
        (Path(source.live) / f"real-{name}").chmod(0o644)
        (Path(source.live) / name).symlink_to(f"real-{name}")
    certificates.copy(with_certificate, source)
    assert certs(with_certificate) == {name: f"issued {name}" for name in FORMER}
    folder = with_certificate.server.root / "certs"
    assert [mode(folder / name) for name in FORMER] == [0o600, 0o600]
    assert not Path(folder / "fullchain.pem").is_symlink()


# --- the private authority


def seen(host: Host) -> Sighting:
    return certificates.see(host, [ADDRESS], [], authority.source(host))


def made(host: Host, what: Due = NEW) -> Sighting:
    authority.make(host, [ADDRESS], what)
    return seen(host)


def verify(host: Host, name: str, kind: str = "ip") -> bool:
    live = Path(authority.source(host).live, "fullchain.pem")
    file = Path(host.server.root, "trusted.pem")
    file.write_text(authority.certificate(host))
    words = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", str(file)]
    words += [f"-verify_{kind}", name, str(live)]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def test_a_certificate_of_the_private_authority_is_for_the_address_of_its_server(
    host: Host,
) -> None:
    found = made(host)
    assert due(authority.certificate(host), found, [ADDRESS]) == Due()
    assert (verify(host, ADDRESS), verify(host, "192.0.2.8")) == (True, False)
    assert found.known == {serial(found.issued)}
    assert abs(found.now - Path(host.server.root).stat().st_mtime) < 60


def test_the_private_authority_may_sign_for_that_address_alone_and_for_no_other_authority(
    host: Host,
) -> None:
    made(host)
    own = authority.certificate(host)
    assert permits(own, ADDRESS)
    for other, kind in (("192.0.2.8", "ip"), ("app.example", "hostname")):
        authority.make(host, [ADDRESS], Due("", "asked for"))
        _sign_for(host, other)
        assert not verify(host, other, kind)
    constraints = x509.load_pem_x509_certificate(own.encode()).extensions
    basic = constraints.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value) == (True, x509.BasicConstraints(ca=True, path_length=0))


def _sign_for(host: Host, name: str) -> None:
    """What a thief of the authority's key would do."""
    words = ["bash", "-c", authority.SCRIPT, "authority", str(host.server.root / "authority")]
    kind = "IP" if name[0].isdigit() else "DNS"
    host.write([*words, "thief", "kept", "unused", "1", f"{kind}:{name}", "1"])


def test_a_renewal_keeps_the_authority_and_what_is_trusted(host: Host) -> None:
    first = made(host)
    second = made(host, Due("", "asked for"))
    assert serial(first.issued) != serial(second.issued)
    assert anchor(first.issued) == anchor(second.issued) == authority.certificate(host)
    assert second.known == {serial(first.issued), serial(second.issued)}


def test_the_keys_are_for_their_owner_alone_and_nothing_is_left_over(host: Host) -> None:
    made(host)
    folder = host.server.root / "authority"
    assert [mode(folder), mode(folder / "authority.pem")] == [0o700, 0o600]
    assert mode(folder / "live/privkey.pem") == 0o600
    assert sorted(path.name for path in Path(folder).iterdir()) == [
        "archive",
        "authority.pem",
        "live",
    ]


def test_an_authority_that_cannot_sign_leaves_what_was_there(host: Host) -> None:
    first = made(host)
    Path(host.server.root, "authority/authority.pem").write_text("broken\n")
    with pytest.raises(Trouble):
        made(host, Due("", "asked for"))
    assert seen(host).issued == first.issued
    assert list(Path(host.server.root, "authority").glob("making*")) == []


# --- certbot


@pytest.fixture
def certbot(tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Certbot in a few lines; called with how each try ends, it returns what it was asked."""
    folder = tmp_path / "stubs"
    folder.mkdir()
    for name, text in {"certbot": CERTBOT, "curl": "#!/bin/sh\n"}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("STUBS", str(folder))
    monkeypatch.setenv("ROOT", str(host.server.root))

    def answering(*answers: str) -> Path:
        (folder / "answers").write_text("".join(f"{answer}\n" for answer in answers))
        return folder / "asked"

    return answering


def test_certbot_is_asked_without_a_hook_and_keeps_everything_below_the_root(
    host: Host, certbot: Callable[..., Path]
) -> None:
    asked = certbot("")
    acme.obtain(host, force=False)
    root = host.server.root
    assert asked.read_text().split() == [
        *("certonly", "--non-interactive", "--agree-tos"),
        *("--webroot", "--webroot-path", f"{root}/proxy/acme", "--config-dir", f"{root}/acme"),
        *("--work-dir", f"{root}/acme/work", "--logs-dir", f"{root}/acme/logs"),
        *("--max-log-backups", "20", "--server", "https://acme.example/directory"),
        *("--cert-name", "acme.example", "--domains", "app.example", "--renew-with-new-domains"),
        *("--preferred-challenges", "http", "--key-type", "ecdsa", "--no-directory-hooks"),
        *("--register-unsafely-without-email", "--keep-until-expiring"),
    ]
    assert (mode(root / "acme"), mode(root / "proxy/acme")) == (0o700, 0o755)


def test_force_and_an_email_are_passed_on(host: Host, certbot: Callable[..., Path]) -> None:
    asked = certbot("")
    host.server = replace(host.server, acme_email="admin@app.example")
    acme.obtain(host, force=True)
    assert asked.read_text().split()[-3:] == ["--email", "admin@app.example", "--force-renewal"]


@pytest.mark.parametrize(
    "answer",
    [
        BAD_NONCE,
        "acme.messages.Error: urn:ietf:params:acme:error:serverInternal :: The server :: sorry",
        "acme.errors.ClientError: <Response [503]>",
        "ValueError: Requesting acme.example/dir: No route to host",
        "requests.exceptions.ReadTimeout: HTTPSConnectionPool",
    ],
)
def test_what_fails_in_passing_is_tried_again(
    answer: str, host: Host, certbot: Callable[..., Path]
) -> None:
    asked = certbot(answer, answer, "")
    acme.obtain(host, force=False)
    assert len(asked.read_text().splitlines()) == 3


def test_after_three_tries_it_is_over(host: Host, certbot: Callable[..., Path]) -> None:
    asked = certbot(*[BAD_NONCE] * 4)
    with pytest.raises(Trouble, match=r"^ubuntu: no new certificate: too late$"):
        acme.obtain(host, force=False)
    assert len(asked.read_text().splitlines()) == 3


def test_what_does_not_pass_is_not_tried_again(host: Host, certbot: Callable[..., Path]) -> None:
    """Each try counts against the limits of the authority."""
    asked = certbot(REFUSED, "")
    with pytest.raises(Trouble, match=r"^ubuntu: no new certificate: too many$"):
        acme.obtain(host, force=False)
    assert len(asked.read_text().splitlines()) == 1

"""Building: all files of a host, each once, always the same, and the manifest that commits them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from compiler.built_sites import HEAD, OWNED, resolved_site
from courier_compiler import build as build_module
from courier_compiler.artefact import Artefact, ArtefactSpec, discover
from courier_compiler.build import NAMED_BY_SITE, build, manifest
from courier_compiler.context import Context
from courier_compiler.secret_uses import secret_reference
from courier_schema.legacy.manifest import load_manifest
from courier_schema.report import Mark
from courier_schema.site.base import Secret
from courier_schema.source.secrets import (
    CommandSecret,
    EnvSecret,
    FileSecret,
    FixedSecrets,
    MaskedSecrets,
    PlainSecret,
)

SITE = HEAD + OWNED + "accounts: {anna: {password: {from_file: pw}}, ben: {}}\naliases: {b: ben, a: anna}\n"
SECRETS = FixedSecrets({FileSecret("pw"): "s3cret"})


def test_every_module_of_the_room_is_an_artefact_of_another_name() -> None:
    names = [spec.name for spec in discover()]
    assert {"aliases", "userdb", "locals", "settings", "control"} <= set(names)
    assert len(set(names)) == len(names)


def test_modules_that_name_files_after_the_site_are_known_by_their_names() -> None:
    assert {spec.name for spec in discover()} >= NAMED_BY_SITE


def test_files_are_sorted_and_unique() -> None:
    paths = [artefact.path for artefact in build(resolved_site(SITE), SECRETS, "site.yaml").artefacts]
    assert paths == sorted(set(paths))
    assert not any(path.startswith("/") for path in paths)


def test_same_site_gives_the_same_bytes() -> None:
    one, other = (build(resolved_site(SITE), SECRETS, "site.yaml") for _ in range(2))
    assert one == other


def test_every_secret_that_cannot_be_had_is_a_problem_at_its_place() -> None:
    lines = "accounts:\n  anna: {password: {from_file: a}}\n  ben: {password: {from_env: B}}\n"
    built = build(resolved_site(HEAD + OWNED + lines), FixedSecrets({}), "site.yaml")
    told = [(problem.id, problem.path, problem.mark) for problem in built.problems]
    assert told == [
        ("secret-unavailable", ("accounts", "anna", "password", "from_file"), Mark("site.yaml", 5, 21)),
        ("secret-unavailable", ("accounts", "ben", "password", "from_env"), Mark("site.yaml", 6, 20)),
    ]


def test_a_password_of_several_lines_is_a_problem_and_a_file_of_several_lines_is_none() -> None:
    lines = "accounts:\n  anna: {password: {from_file: a}}\nfiles:\n  token: {secret: {from_file: a}}\n"
    secrets = FixedSecrets({FileSecret("a"): "one\ntwo"})
    built = build(resolved_site(HEAD + OWNED + lines), secrets, "site.yaml")
    assert [(problem.id, problem.path[:2]) for problem in built.problems] == [("unusable-secret", ("accounts", "anna"))]
    (token,) = (artefact for artefact in built.artefacts if artefact.path.endswith("/token"))
    assert token.content == b"one\ntwo\n"


def test_masked_build_has_the_same_files_as_the_real_one() -> None:
    real, masked = (build(resolved_site(SITE), secrets, "site.yaml") for secrets in (SECRETS, MaskedSecrets()))
    assert [artefact.path for artefact in real.artefacts] == [artefact.path for artefact in masked.artefacts]
    differing = {one.path for one, other in zip(real.artefacts, masked.artefacts, strict=True) if one != other}
    assert differing == {"etc/courier/userdb", "etc/courier/userdbshadow.dat"}


def test_two_modules_that_make_one_file_are_a_mistake_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def second(context: Context) -> Iterator[Artefact]:
        yield context.text("locals", "x")

    monkeypatch.setattr(build_module, "discover", lambda: (*discover(), ArtefactSpec("second", second)))
    with pytest.raises(AssertionError, match="locals and second both make etc/courier/locals"):
        build(resolved_site(SITE), SECRETS, "site.yaml")


def test_manifest_lists_every_file_with_its_hash_and_permissions() -> None:
    resolved = resolved_site(SITE)
    artefacts = build(resolved, SECRETS, "site.yaml").artefacts
    record = load_manifest(manifest(resolved, artefacts).dump())
    assert record.files.keys() == {artefact.path for artefact in artefacts}
    entry = record.files["etc/courier/userdb"]
    content = next(artefact.content for artefact in artefacts if artefact.path == "etc/courier/userdb")
    assert entry.sha256 == hashlib.sha256(content).hexdigest()
    assert (entry.mode, entry.owner, entry.secret, entry.link) == ("0600", "root", True, False)
    assert (record.site, record.host, record.profile) == ("example.org", "mx.example.org", "debian-12")
    assert record.layout["sysconfdir"] == "/etc/courier"


@pytest.mark.parametrize(
    ("secret", "reference"),
    [
        (Secret(value="x"), PlainSecret("x")),
        (Secret(from_file="f"), FileSecret("f")),
        (Secret(from_env="E"), EnvSecret("E")),
        (Secret(from_command=["pass", "show me"]), CommandSecret(("pass", "show me"))),
    ],
)
def test_secret_of_a_site_is_had_from_its_source(secret: Secret, reference: object) -> None:
    assert secret_reference(secret) == reference

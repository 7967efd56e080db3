"""A snapshot says what the files of a tree say, and is never a mixture of two generations."""

from __future__ import annotations

import shutil
import ssl
import stat
from pathlib import Path

import pytest

from courier_compiler.cli import main
from courier_runtime.snapshot.load import find_tree, load_snapshot
from courier_runtime.snapshot.model import Ground
from courier_runtime.snapshot.tree import open_for_reading
from courier_schema.report import CourierSiteError
from runtime.trees import account, snapshot_of, write_tree

EXAMPLES = Path(__file__).parents[3] / "site-examples"


def built(name: str, target: Path) -> Path:
    example = target / "site"
    shutil.copytree(EXAMPLES / name, example)
    for secret in example.glob("secrets/*"):
        secret.chmod(0o600)
    assert main(["build", str(example), "-o", str(target / "out")]) == 0
    return target / "out"


def ground_of(tree: Path, scratch: Path) -> Ground:
    return Ground(find_tree(tree).sysconfdir, scratch / "state", scratch / "root")


def test_a_built_tree_becomes_a_snapshot_that_bears_its_generation(tmp_path: Path) -> None:
    found = find_tree(built("small-office", tmp_path))
    snapshot = load_snapshot(found, ground_of(tmp_path / "out", tmp_path))

    assert found.manifest is not None
    assert f'"generation": "{snapshot.generation}"' in found.manifest.read_text()
    assert snapshot.me == "mx.example.org"
    assert snapshot.control.sizelimit == 50 * 1024 * 1024
    assert sorted(snapshot.listeners) == ["esmtpd", "esmtpd-msa"]
    assert snapshot.listeners["esmtpd-msa"].settings.esmtp_tls_required is True
    assert snapshot.listeners["esmtpd"].settings.maxperip == 4
    assert snapshot.listeners["esmtpd"].access(b"192.168.10") == b"allow,RELAYCLIENT"
    assert snapshot.accounts.userdb(b"anna") is not None
    assert snapshot.modules["esmtp"].max_recipients == 100


def test_a_virtual_host_reads_its_own_files_and_shares_the_others(tmp_path: Path) -> None:
    tree = built("everything", tmp_path)
    snapshot = load_snapshot(find_tree(tree), ground_of(tree, tmp_path))
    virtual = snapshot.for_host("192.0.2.26")

    assert virtual.me != snapshot.me
    assert virtual.control.sizelimit != snapshot.control.sizelimit
    assert virtual.listeners is snapshot.listeners
    assert snapshot.for_host("198.51.100.1") is snapshot


def test_a_file_edited_by_hand_counts_and_shows_in_the_name_of_the_generation(tmp_path: Path) -> None:
    tree = built("small-office", tmp_path)
    ground = ground_of(tree, tmp_path)
    before = load_snapshot(find_tree(tree), ground)
    (ground.sysconfdir / "sizelimit").write_text("4711\n")
    after = load_snapshot(find_tree(tree), ground)

    assert after.control.sizelimit == 4711
    assert after.generation.startswith(f"{before.generation}+")


def test_an_apply_that_does_not_end_is_not_read_half_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("courier_runtime.snapshot.load._PAUSE", 0.0)
    tree = write_tree(tmp_path / "etc")
    (tree / ".courier-site").mkdir()
    (tree / ".courier-site/journal.json").write_text("{}")
    with pytest.raises(CourierSiteError, match="does not come to rest"):
        load_snapshot(find_tree(tree), Ground(tree, tmp_path / "state"))


def test_a_directory_without_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CourierSiteError, match="holds no compiled tree"):
        find_tree(tmp_path)


def test_text_that_only_a_shell_could_evaluate_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(CourierSiteError, match=r"esmtpd:2: \$ begins an expansion"):
        snapshot_of(tmp_path, {"esmtpd": "PORT=25\nADDRESS=$HOST\n"})


def test_a_missing_notice_text_is_refused(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "etc")
    (tree / "dsnfailed.txt").unlink()
    with pytest.raises(CourierSiteError, match=r"dsnfailed\.txt is missing"):
        load_snapshot(find_tree(tree), Ground(tree, tmp_path / "state"))


def test_a_damaged_database_is_refused_rather_than_read_as_empty(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "etc")
    (tree / "smtpaccess.dat").write_bytes(b"not a database")
    with pytest.raises(CourierSiteError, match=r"smtpaccess\.dat"):
        load_snapshot(find_tree(tree), Ground(tree, tmp_path / "state"))


def test_a_certificate_that_cannot_be_used_is_a_doubt_and_no_tls_is_offered(tmp_path: Path) -> None:
    settings = "ESMTPDSTART=YES\nPORT=25\nCOURIERTLS=/usr/bin/couriertls\nTLS_CERTFILE=/etc/courier/broken.pem\n"
    snapshot = snapshot_of(tmp_path, {"esmtpd": settings, "broken.pem": "no certificate\n"})
    assert snapshot.listeners["esmtpd"].tls is None
    assert any("broken.pem" in doubt for doubt in snapshot.doubts)


def test_a_server_without_root_makes_a_certificate_where_there_is_none(tmp_path: Path) -> None:
    settings = "ESMTPDSTART=YES\nPORT=25\nCOURIERTLS=/usr/bin/couriertls\nTLS_CERTFILE=/etc/courier/missing.pem\n"
    snapshot = snapshot_of(tmp_path, {"esmtpd": settings})
    assert snapshot.listeners["esmtpd"].tls is not None
    (made,) = snapshot.ground.state.glob("*.pem")
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_what_a_settings_file_does_not_assign_is_off(tmp_path: Path) -> None:
    settings = snapshot_of(tmp_path, {"esmtpd": "ESMTPDSTART=YES\nPORT=25\n"}).listeners["esmtpd"].settings
    assert settings.bofhcheckdns is None
    assert settings.tarpit is None


def test_the_submission_listener_overlays_the_settings_of_the_first(tmp_path: Path) -> None:
    files = {"esmtpd": "PORT=25\nTARPIT=1\nBOFHNOVRFY=1\n", "esmtpd-msa": "ESMTPDSTART=YES\nPORT=587\nTARPIT=0\n"}
    listeners = snapshot_of(tmp_path, files).listeners
    assert list(listeners) == ["esmtpd-msa"]
    assert listeners["esmtpd-msa"].settings.tarpit is False
    assert listeners["esmtpd-msa"].settings.bofhnovrfy is True
    assert listeners["esmtpd-msa"].environment["BOFHNOVRFY"] == "1"


def test_mail_goes_out_under_opportunistic_tls_unless_that_is_switched_off(tmp_path: Path) -> None:
    context = snapshot_of(tmp_path / "on").client_tls
    assert context is not None
    assert context.verify_mode is ssl.CERT_NONE
    off = {"courierd": "ESMTP_USE_STARTTLS=0\nCOURIERTLS=/usr/bin/couriertls\n"}
    assert snapshot_of(tmp_path / "off", off).client_tls is None


def test_paths_of_the_configuration_directory_follow_the_tree_and_homes_follow_the_ground(tmp_path: Path) -> None:
    ground = snapshot_of(tmp_path, tables={"userdb.dat": {"bob": account("/home/bob")}}).ground
    assert ground.place("/etc/courier/aliasdir") == tmp_path / "etc/aliasdir"
    assert ground.place("/home/bob") == tmp_path / "root/home/bob"


def test_a_file_that_is_written_while_it_is_read_is_the_same_to_all_who_ask_for_it(tmp_path: Path) -> None:
    tree = built("small-office", tmp_path) / "etc/courier"
    shutil.rmtree(tmp_path / "site")
    opened: list[str] = []

    def change_and_open(path: Path) -> int:
        opened.append(path.name)
        if path.name == "esmtpd":
            path.write_text(path.read_text() + f"MAXPERIP={opened.count('esmtpd')}\n")
        return open_for_reading(path)

    found = find_tree(tree)
    snapshot = load_snapshot(found, ground_of(tree, tmp_path), opener=change_and_open)
    assert opened.count("esmtpd") == 1
    assert {listener.settings.maxperip for name, listener in snapshot.listeners.items() if name == "esmtpd"} == {1}
    again = load_snapshot(found, ground_of(tree, tmp_path))
    assert again.generation == snapshot.generation


@pytest.mark.parametrize("module", ["dsn", "esmtp", "fax", "local", "uucp"])
def test_every_module_may_have_aliases_of_its_own(module: str, tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path, tables={f"aliases-{module}.dat": {"a@example.com": "b@example.com"}})
    assert list(snapshot.aliases_of_module) == [module]
    assert snapshot.aliases_of_module[module](b"a@example.com") == b"b@example.com"

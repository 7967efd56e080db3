"""The commit record of a tree: what was written is read, and nothing else passes for one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.manifest import FORMAT, Entry, MalformedManifest, Manifest, load_manifest

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
hashes = st.text("0123456789abcdef", min_size=64, max_size=64)
entries = st.builds(
    Entry,
    hashes,
    st.sampled_from(["0644", "0640", "0600", "0777"]),
    texts,
    texts,
    st.booleans(),
    st.booleans(),
    st.none() | st.lists(texts, max_size=3).map(tuple),
)
manifests = st.builds(
    Manifest,
    texts,
    texts,
    texts,
    st.dictionaries(texts, texts, max_size=4),
    st.dictionaries(texts, entries, max_size=6),
)


@given(manifests)
def test_what_is_written_is_read(manifest: Manifest) -> None:
    again = load_manifest(manifest.dump())
    assert again == manifest
    assert again.dump() == manifest.dump()
    assert again.generation == manifest.generation


@given(manifests)
def test_the_order_of_files_does_not_matter(manifest: Manifest) -> None:
    turned = replace(manifest, files=dict(reversed(list(manifest.files.items()))))
    assert turned.dump() == manifest.dump()


@given(manifests, texts, entries, st.sampled_from(["sha256", "mode", "owner", "group"]), texts)
def test_another_content_mode_or_owner_is_another_generation(
    manifest: Manifest, path: str, entry: Entry, field: str, said: str
) -> None:
    other_text = f"{getattr(entry, field)}{said}x"
    changed = {
        "sha256": replace(entry, sha256=other_text),
        "mode": replace(entry, mode=other_text),
        "owner": replace(entry, owner=other_text),
        "group": replace(entry, group=other_text),
    }[field]
    one, other = (replace(manifest, files={**manifest.files, path: which}) for which in (entry, changed))
    assert one.generation != other.generation


@given(st.binary(max_size=80) | st.recursive(st.none() | st.booleans() | st.integers() | texts, lambda inner: (
    st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["format", "files", "site", "layout"]), inner)
)).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_anything_else_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedManifest):
        load_manifest(text)


@given(manifests.filter(lambda manifest: bool(manifest.files)), st.integers(min_value=1))
def test_a_cut_manifest_is_refused(manifest: Manifest, length: int) -> None:
    text = manifest.dump().rstrip()
    with pytest.raises(MalformedManifest):
        load_manifest(text[: length % len(text)])


def test_a_later_format_is_named() -> None:
    record = json.loads(Manifest("a", "b", "c", {}, {}).dump()) | {"format": FORMAT + 1}
    with pytest.raises(MalformedManifest, match=f"manifest format {FORMAT + 1} is not known here"):
        load_manifest(json.dumps(record).encode())

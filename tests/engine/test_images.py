"""Images read entry by entry from what `docker save` streams."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator

import docker
import pytest

from ctxsize.errors import EngineError
from tests.support.opening import open_images

pytestmark = pytest.mark.docker


@pytest.fixture
def image(api: docker.APIClient, new_tag: Callable[[], str]) -> Iterator[str]:
    """An image of one layer: files, a hard link, a symlink, a directory, odd names."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as layer:
        for name, size in (("dir/a", 100), ("dir/\udcff", 5), ("two\nlines", 7), ("empty", 0)):
            member = tarfile.TarInfo(name)
            member.size = size
            layer.addfile(member, io.BytesIO(bytes(size)))
        for name, kind, target in (("hard", tarfile.LNKTYPE, "dir/a"), ("soft", tarfile.SYMTYPE, "dir/a")):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            layer.addfile(member)
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        layer.addfile(folder)
    tag = new_tag()
    api.import_image_from_data(data.getvalue(), repository=tag.split(":")[0], tag=tag.split(":")[1])
    yield str(api.inspect_image(tag)["Id"])


def test_every_entry_but_directories_is_listed_and_content_counts_once(
    api: docker.APIClient, image: str
) -> None:
    with open_images(api, [image]) as reader:
        read = reader.images[image]
        listing = dict(reader.listing(read))

    assert listing == {
        "dir/a": 100,
        "dir/\udcff": 5,
        "two\nlines": 7,
        "empty": 0,
        "hard": 0,
        "soft": 5,
    }
    assert read.bytes == 117
    assert read.layers[0].files == 6
    assert 0 < read.pull_bytes < 1000


def test_what_only_one_layer_has_is_a_change(api: docker.APIClient, image: str) -> None:
    with open_images(api, [image]) as reader:
        (layer,) = reader.images[image].layers
        gained = {change.path: change.bytes for change in reader.changes(None, layer)}
        lost = {change.path: change.bytes for change in reader.changes(layer, None)}
        same = list(reader.changes(layer, layer))

    assert gained == {"dir/a": 100, "dir/\udcff": 5, "two\nlines": 7, "soft": 5}
    assert lost == {path: -size for path, size in gained.items()}
    assert same == []


def test_an_image_that_is_not_there_is_an_engine_error(api: docker.APIClient) -> None:
    with pytest.raises(EngineError, match="reading the images back"):
        open_images(api, ["sha256:" + "0" * 64])

"""One contract for every bucket: the fake, and S3's protocol as MiniStack speaks it; what links let through and what not."""

import hashlib
import itertools
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from liangwang.aws import AwsError
from liangwang.fakes import FakeObjects
from liangwang.objects import S3Objects
from liangwang.signing import Credentials

from tests.integration.conftest import client

CONTENT = b"%PDF-1.7 " + b"x" * 5000
KEYS = (f"incoming/{number:026d}" for number in itertools.count())


@pytest.fixture(scope="module")
def s3(ministack):
    place = {"LocationConstraint": "cn-north-1"}
    client("s3", ministack).create_bucket(Bucket="materials-test", CreateBucketConfiguration=place)
    return S3Objects(
        "materials-test",
        region="cn-north-1",
        credentials=lambda: Credentials("test", "test"),
        endpoint=ministack,
        sleep=lambda seconds: None,
    )


@pytest.fixture(params=["fake", "S3 on the emulator"])
def objects(request):
    return FakeObjects() if request.param == "fake" else request.getfixturevalue("s3")


@pytest.fixture
def key():
    return next(KEYS)


def test_what_was_written_is_read_until_it_is_deleted(objects, key):
    assert objects.read(key, most=10) is None
    objects.write(key, CONTENT, media_type="application/pdf")
    assert objects.read(key, most=len(CONTENT) + 1) == CONTENT
    assert objects.read(key, most=5) == b"%PDF-", "no more is read than was asked for"
    objects.delete(key)
    objects.delete(key)
    assert objects.read(key, most=10) is None


def test_an_object_without_a_byte_is_there_and_empty(objects, key):
    objects.write(key, b"", media_type="application/pdf")
    assert objects.read(key, most=10) == b""


def test_what_has_no_bucket_to_be_written_to_is_not_taken_for_written(ministack):
    nowhere = S3Objects(
        "no-such-bucket",
        region="cn-north-1",
        credentials=lambda: Credentials("test", "test"),
        endpoint=ministack,
        sleep=lambda seconds: None,
    )
    with pytest.raises(AwsError):
        nowhere.write("kept/1", CONTENT, media_type="application/pdf")


# ------------------------------------------------------------------ links, as a person's program follows them


def upload_link(s3, key, *, content=CONTENT, now=None):
    return s3.upload(
        key,
        media_type="application/pdf",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        now=now or datetime.now(UTC),
        lifetime=timedelta(minutes=15),
    )


def send(link, content, **headers):
    """The status of the upload."""
    wanted = {**link.headers, **headers, "content-length": str(len(content))}
    request = urllib.request.Request(link.url, data=content, method=link.method, headers=wanted)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_link_takes_the_content_it_is_for(s3, key):
    assert send(upload_link(s3, key), CONTENT) == 200
    assert s3.read(key, most=10_000) == CONTENT


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (CONTENT[:-1] + b"y", {}),
        (CONTENT + b"more", {}),
        (CONTENT, {"content-type": "text/html"}),
        (CONTENT, {"x-amz-checksum-sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}),
    ],
    ids=["other bytes", "more bytes", "another type", "another checksum"],
)
def test_a_link_takes_nothing_else(s3, key, content, headers):
    assert send(upload_link(s3, key), content, **headers) in (400, 403)
    assert s3.read(key, most=1) is None


def test_a_link_takes_nothing_once_it_has_expired(s3, key):
    assert send(upload_link(s3, key, now=datetime.now(UTC) - timedelta(minutes=16)), CONTENT) == 403
    assert s3.read(key, most=1) is None


def test_a_link_of_one_object_does_not_open_another(s3, key):
    s3.write(key, CONTENT, media_type="application/pdf")
    other = next(KEYS)
    s3.write(other, b"somebody else's", media_type="application/pdf")
    now, lifetime = datetime.now(UTC), timedelta(minutes=5)
    link = s3.download(key, media_type="application/pdf", name="a.pdf", now=now, lifetime=lifetime)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(link.url.replace(key, other), timeout=10)


def test_what_is_fetched_comes_as_a_file_of_the_type_that_was_found(s3, key):
    s3.write(key, CONTENT, media_type="application/pdf")
    now, lifetime = datetime.now(UTC), timedelta(minutes=5)
    link = s3.download(key, media_type="application/pdf", name="identity-card.pdf", now=now, lifetime=lifetime)
    with urllib.request.urlopen(link.url, timeout=10) as answer:
        assert answer.read() == CONTENT
        assert answer.headers["content-disposition"] == 'attachment; filename="identity-card.pdf"'
        assert answer.headers["content-type"] == "application/pdf"

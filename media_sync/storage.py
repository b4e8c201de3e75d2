"""The one module that opens connections to the bucket: addresses, keys, timeouts, retries, checksums.

Settings are read at every use, never at import, so a test may point one process at another bucket.
Keys are used as they are, byte for byte: nothing here normalises a key that somebody else chose.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from django.conf import settings
from django.utils.deconstruct import deconstructible
from storages.backends.s3 import S3Storage

from media_sync.errors import NO_S3, BucketUnavailable, sentence, sentence_for

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Patience(NamedTuple):
    """How long a client waits, in seconds, and how often it tries."""

    connect: int
    read: int
    attempts: int


HURRIED = Patience(1, 2, 1)  # a probe
BRISK = Patience(2, 10, 2)  # somebody waits for the answer
PATIENT = Patience(5, 30, 8)  # a million objects: at 27 % failing calls, 3 attempts still lose some
MEMORY_BYTES = 1024 * 1024  # of a file that is read; the rest is on disk meanwhile
# Up to this a file goes through in one stream: some servers hash the whole object for each piece that is asked for.
WHOLE_BYTES = 1024 * 1024 * 1024
URL_SECONDS = 15 * 60  # how long a signed address works
_making_clients = threading.Lock()  # sessions are not made for several threads; clients are


def client() -> "S3Client":
    """Return the shared client for single calls: it gives up within seconds. Safe in many threads."""
    return _cached_client(settings.S3_ENDPOINT_URL, *_credentials())


def patient_client() -> "S3Client":
    """Return a new client for long work (listing a bucket): it waits longer and tries more often."""
    return _make_client(settings.S3_ENDPOINT_URL, *_credentials(), PATIENT)


def signed_url(key: str, served_as: Mapping[str, str] | None = None, *, seconds: int = URL_SECONDS) -> str:
    """Return an address that browsers can read the object from for some time; makes no call.

    `served_as` holds GetObject's Response... parameters, such as ResponseContentType: they are signed
    too, so a reader cannot change them. Raises BucketUnavailable when there are no keys to sign with.
    """
    signer = _cached_client(settings.S3_PUBLIC_ENDPOINT_URL, *_credentials())
    parameters = {"Bucket": settings.S3_BUCKET, "Key": key, **(served_as or {})}
    with calls_to_bucket():
        return signer.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)


def ensure_bucket() -> None:
    """Make the bucket if it is not there. For servers of our own; elsewhere the operator makes it."""
    with calls_to_bucket():
        try:
            client().head_bucket(Bucket=settings.S3_BUCKET)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.NOT_FOUND:
                raise
            with suppress(client().exceptions.BucketAlreadyOwnedByYou):
                client().create_bucket(Bucket=settings.S3_BUCKET)


def check_bucket() -> None:
    """Raise BucketUnavailable unless the bucket answers and may be listed."""
    _check_with(client())


def probe_bucket() -> None:
    """The same for a prober that asks every few seconds: gives up within 3 seconds and tries once."""
    _check_with(_cached_client(settings.S3_ENDPOINT_URL, *_credentials(), HURRIED))


def _check_with(asking: "S3Client") -> None:
    with calls_to_bucket():
        answer = asking.list_objects_v2(Bucket=settings.S3_BUCKET, MaxKeys=1)
    # Any page of XML or HTML reads as the listing of an empty bucket; only a real one has the name.
    if not answer.get("Name"):
        raise BucketUnavailable(sentence(NO_S3))


@contextmanager
def calls_to_bucket() -> Iterator[None]:
    """Turn every way in which calls to the bucket fail into BucketUnavailable."""
    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error, ResponseParserError) as error:
        raise BucketUnavailable(sentence_for(error)) from error


@deconstructible
class BucketStorage(S3Storage):
    """Django's file storage on the bucket. It adds to django-storages:

    * the clients of this module, with their timeouts, retries and checksums;
    * settings read at use;
    * addresses signed for S3_PUBLIC_ENDPOINT_URL and for the key as it is, `..` and `//` included;
    * never overwriting a file of the same name;
    * large files go through in one stream, and what is read back lies on disk: boto3's ten threads would hold
      100 MB of them, and a file would stay in memory as a whole.
    """

    file_overwrite = False

    def get_default_settings(self) -> dict[str, Any]:
        in_turn = TransferConfig(use_threads=False, multipart_threshold=WHOLE_BYTES)
        return {**super().get_default_settings(), "transfer_config": in_turn, "max_memory_size": MEMORY_BYTES}

    @property
    def bucket_name(self) -> str:
        return str(settings.S3_BUCKET)

    @property
    def connection(self) -> Any:
        """Return this thread's boto3 resource; resources, unlike clients, cannot be shared."""
        address = (settings.S3_ENDPOINT_URL, *_credentials())
        if getattr(self._connections, "address", None) != address:
            self._connections.connection = _make_resource(*address)
            self._connections.address = address
        return self._connections.connection

    @property
    def bucket(self) -> Any:
        return self.connection.Bucket(self.bucket_name)

    def url(
        self,
        name: str,
        parameters: dict[str, str] | None = None,
        expire: int | None = None,
        http_method: str | None = None,
    ) -> str:
        return signed_url(name, parameters, seconds=expire or URL_SECONDS)


def _credentials() -> tuple[str, str, str]:
    return settings.S3_REGION, settings.AWS_ACCESS_KEY_ID, settings.AWS_SECRET_ACCESS_KEY


@lru_cache(maxsize=16)
def _cached_client(
    endpoint: str, region: str, key_id: str, secret: str, patience: Patience = BRISK
) -> "S3Client":
    return _make_client(endpoint, region, key_id, secret, patience)


def _make_client(endpoint: str, region: str, key_id: str, secret: str, patience: Patience) -> "S3Client":
    with _making_clients:
        return _session(region, key_id, secret).client(
            "s3", endpoint_url=endpoint or None, config=_config(endpoint, patience)
        )


def _make_resource(endpoint: str, region: str, key_id: str, secret: str) -> Any:
    with _making_clients:
        return _session(region, key_id, secret).resource(
            "s3", endpoint_url=endpoint or None, config=_config(endpoint, BRISK)
        )


@lru_cache(maxsize=16)  # a session keeps S3's description, which takes a tenth of a second to read
def _session(region: str, key_id: str, secret: str) -> boto3.Session:
    # Without keys boto3 looks for those of the machine's role.
    return boto3.Session(
        aws_access_key_id=key_id or None, aws_secret_access_key=secret or None, region_name=region
    )


def _config(endpoint: str, patience: Patience) -> Config:
    """Return boto3's settings.

    Its own defaults wait 60 s three times for a dead server, and add checksums to every upload that
    many S3-compatible servers refuse; both are right for Amazon only.
    """
    compatible: dict[str, Any] = {
        "s3": {"addressing_style": "path"},
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    }
    return Config(
        signature_version="s3v4",
        connect_timeout=patience.connect,
        read_timeout=patience.read,
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
        max_pool_connections=32,
        tcp_keepalive=True,
        **(compatible if endpoint else {}),
    )

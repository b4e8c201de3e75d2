"""The one module that opens connections to the bucket: addresses, keys, timeouts, retries, checksums.

Settings are read at every use, never at import, so a test may point one process at another bucket.
Keys are used as they are, byte for byte: nothing here normalises a key that somebody else chose.
"""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError
from botocore.parsers import ResponseParserError
from django.conf import settings
from django.utils.deconstruct import deconstructible
from storages.backends.s3 import S3Storage
from storages.utils import clean_name
from urllib3.exceptions import HTTPError

from media_sync.errors import NO_S3, BucketUnavailable, sentence, sentence_for
from media_sync.hurry import OutOfTime, hurried, in_time

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Patience(NamedTuple):
    """How long a client waits, in seconds, and how often it tries."""

    connect: int
    read: int
    attempts: int


HURRIED = Patience(1, 2, 1)  # a probe
BRISK = Patience(2, 5, 3)  # somebody waits for the answer
PATIENT = Patience(5, 30, 8)  # a million objects: at 27 % failing calls, 3 attempts still lose some
MEMORY_BYTES = 1024 * 1024  # of a file that is read; the rest is on disk meanwhile
# Up to this a file goes through in one stream: some servers hash the whole object for each piece that is asked for.
WHOLE_BYTES = 1024 * 1024 * 1024
URL_SECONDS = 15 * 60  # how long a signed address works
# What XML cannot write: one such key spoils the whole list of those that are to be deleted.
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_making_clients = threading.Lock()  # sessions are not made for several threads; clients are


def client() -> "S3Client":
    """Return the shared client for single calls: it gives up within seconds. Safe in many threads."""
    return _cached_client(settings.S3_ENDPOINT_URL, *_credentials())


def worker_client() -> "S3Client":
    """Return the shared client for single calls of long work: it waits longer and tries more often."""
    return _cached_client(settings.S3_ENDPOINT_URL, *_credentials(), PATIENT)


def patient_client() -> "S3Client":
    """Return a new client that is as patient, for those who hook into its calls (listing a bucket)."""
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


def signer() -> "S3Client":
    """Return the client that signs addresses to which browsers send files. It makes no calls.

    boto3's own checksums are off at Amazon too: it would sign one of an empty body.
    """
    return _cached_plain_client(settings.S3_PUBLIC_ENDPOINT_URL, *_credentials())


def plain_client() -> "S3Client":
    """Return a client like `client()` without boto3's own checksums, at Amazon too.

    It is for uploads whose parts somebody else sends: Amazon refuses parts without the checksums that boto3 announces.
    """
    return _cached_plain_client(settings.S3_ENDPOINT_URL, *_credentials())


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


def delete_many(keys: Sequence[str]) -> dict[str, str]:
    """Delete up to 1,000 objects; return those that were not deleted, and what the server said of each.

    An object that is not there counts as deleted. Raises BucketUnavailable.
    """
    odd = [key for key in keys if NOT_IN_XML.search(key)]
    listed: Any = [{"Key": key} for key in keys if not NOT_IN_XML.search(key)]
    with calls_to_bucket():
        failed = {key: said for key in odd if (said := _delete_alone(key))}
        if listed:
            answer = worker_client().delete_objects(
                Bucket=settings.S3_BUCKET, Delete={"Objects": listed, "Quiet": True}
            )
            # The errors stand in the body of a good answer.
            failed |= {error["Key"]: _said(error) for error in answer.get("Errors", ())}
    return failed


def _delete_alone(key: str) -> str:
    """Delete the object; return what the server said if it did not."""
    try:
        worker_client().delete_object(Bucket=settings.S3_BUCKET, Key=key)
    except ClientError as error:
        return _said(error.response["Error"])
    return ""


def is_absent(error: ClientError) -> bool:
    """Whether there is no such object or upload in parts; a bucket that does not exist is another fault."""
    if error.response.get("Error", {}).get("Code") == "NoSuchBucket":
        return False
    return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND)


def _said(error: Mapping[str, Any]) -> str:
    return str(error.get("Message") or error.get("Code") or "an error without a code")


@contextmanager
def calls_to_bucket() -> Iterator[None]:
    """Turn every way in which calls to the bucket fail into BucketUnavailable.

    A connection that breaks while an object is read is urllib3's own error; botocore turns only some into its own.
    """
    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error, ResponseParserError, HTTPError) as error:
        raise BucketUnavailable(sentence_for(error)) from error


@deconstructible
class BucketStorage(S3Storage):
    """Django's file storage on the bucket. It adds to django-storages:

    * the clients of this module, with their timeouts, retries and checksums;
    * settings read at use;
    * addresses signed for S3_PUBLIC_ENDPOINT_URL and for the key as it is, `..` and `//` included;
    * never overwriting a file of the same name; to ask for one takes seconds even of a bucket that never answers,
      so whoever brings a file learns that soon;
    * large files go through in one stream, and what is read back lies on disk: boto3's ten threads would hold
      100 MB of them, and a file would stay in memory as a whole.
    """

    file_overwrite = False

    def get_default_settings(self) -> dict[str, Any]:
        # Reading goes by the size of the pieces, whatever the threshold, where boto3's own checksums are off.
        whole = TransferConfig(
            use_threads=False, multipart_threshold=WHOLE_BYTES, multipart_chunksize=WHOLE_BYTES
        )
        return {**super().get_default_settings(), "transfer_config": whole, "max_memory_size": MEMORY_BYTES}

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

    def exists(self, name: str) -> bool:
        key = self._normalize_name(clean_name(name))
        try:
            with hurried():
                in_time(lambda: client().head_object(Bucket=self.bucket_name, Key=key))
        except OutOfTime as error:  # Django's callers know boto3's errors only
            raise ReadTimeoutError(endpoint_url=settings.S3_ENDPOINT_URL) from error
        except ClientError as error:
            if is_absent(error):
                return False
            raise
        return True

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


@lru_cache(maxsize=16)
def _cached_plain_client(endpoint: str, region: str, key_id: str, secret: str) -> "S3Client":
    plain = Config(request_checksum_calculation="when_required")
    with _making_clients:
        return _session(region, key_id, secret).client(
            "s3", endpoint_url=endpoint or None, config=_config(endpoint, BRISK).merge(plain)
        )


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

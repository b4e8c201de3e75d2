"""What can go wrong between the catalogue and the bucket, in sentences that say what to check."""

from botocore import exceptions
from botocore.parsers import ResponseParserError
from django.conf import settings
from urllib3.exceptions import HTTPError


class BucketUnavailable(Exception):
    """The bucket cannot be used; the message is one sentence that names the bucket and what to check."""


class SyncRefused(Exception):
    """A sync cannot start; the message is one sentence."""


# S3's error codes -> what to say of them. `{bucket}` and `{address}` are filled in.
SENTENCES = {
    "NoSuchBucket": "Bucket {bucket} does not exist at {address}: make it, or set S3_BUCKET.",
    "InvalidBucketName": "{bucket} is no name of a bucket: set S3_BUCKET.",
    "InvalidAccessKeyId": "{address} does not know the access key for bucket {bucket}: set AWS_ACCESS_KEY_ID.",
    "SignatureDoesNotMatch": "{address} refuses the secret key for bucket {bucket}: set AWS_SECRET_ACCESS_KEY.",
    "AccessDenied": "{address} does not let this key use bucket {bucket}: check its policy, or set"
    " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    "RequestTimeTooSkewed": "{address} refuses requests for bucket {bucket} because this machine's clock is wrong.",
    "PermanentRedirect": "Bucket {bucket} is in another region or at another address: set S3_REGION or"
    " S3_ENDPOINT_URL.",
}
SENTENCES |= {
    "403": SENTENCES["AccessDenied"],
    "404": SENTENCES["NoSuchBucket"],
    "301": SENTENCES["PermanentRedirect"],
    "AuthorizationHeaderMalformed": SENTENCES["PermanentRedirect"],
}
NO_ANSWER = "Bucket {bucket} cannot be reached: {address} does not answer; check S3_ENDPOINT_URL."
NO_S3 = "Bucket {bucket} cannot be read: what answers at {address} is no S3 server; check S3_ENDPOINT_URL."
BROKEN_OFF = "The listing of bucket {bucket} at {address} broke off before its end; try again later."
OTHER_CODE = "Bucket {bucket} at {address} answers with {code}; check S3_ENDPOINT_URL, or try again later."
NO_KEYS = "Bucket {bucket} needs keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."


def sentence(pattern: str) -> str:
    """Fill in which bucket and where."""
    return pattern.format(bucket=settings.S3_BUCKET, address=settings.S3_ENDPOINT_URL or "Amazon S3")


def sentence_for(error: Exception) -> str:
    """Return one sentence about an error of boto3's that says which variable to look at."""
    match error:
        case exceptions.ClientError():
            code = str(error.response.get("Error", {}).get("Code", "")) or "an error without a code"
            return sentence(SENTENCES.get(code, OTHER_CODE.replace("{code}", _plain(code))))
        case exceptions.ConnectionError() | exceptions.HTTPClientError() | HTTPError():
            return sentence(NO_ANSWER)
        case exceptions.NoCredentialsError() | exceptions.PartialCredentialsError():
            return sentence(NO_KEYS)
        case exceptions.ParamValidationError():
            return sentence(SENTENCES["InvalidBucketName"])
        case ResponseParserError():
            return sentence(NO_S3)
    return sentence(f"Bucket {{bucket}} at {{address}} cannot be used: {_plain(str(error))}")


def _plain(text: str) -> str:
    """Return the text on one line, without braces, which format() would take for names."""
    return " ".join(text.split()).replace("{", "(").replace("}", ")")

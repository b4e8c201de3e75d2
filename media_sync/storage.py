"""The one module that opens connections to the bucket."""

from storages.backends.s3 import S3Storage


class BucketStorage(S3Storage):
    """stub"""

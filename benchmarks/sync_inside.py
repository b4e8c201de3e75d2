"""The limit of benchmarks.sync: boto3's own paginator, its defaults as they come, doing nothing with what it lists."""

import os

import boto3

from marketplace import embedded


def main() -> None:
    theirs = "S3_ENDPOINT_URL" in os.environ
    client = boto3.client(
        "s3",
        endpoint_url=os.environ["S3_ENDPOINT_URL"] if theirs else embedded.s3_endpoint_url(),
        aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"] if theirs else embedded.S3_ACCESS_KEY_ID,
        aws_secret_access_key=(
            os.environ["AWS_SECRET_ACCESS_KEY"] if theirs else embedded.secret("s3_secret_key")
        ),
        region_name="us-east-1",
    )
    for _page in client.get_paginator("list_objects_v2").paginate(Bucket=os.environ["S3_BUCKET"]):
        pass


if __name__ == "__main__":
    main()

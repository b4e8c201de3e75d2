"""What the servers here do otherwise than Amazon S3, by the test that shows it; docs/storage.md tells what follows.

A gap that a later version closes fails its test, and its line goes.
"""

NO_SUCH_KEYS = "refuses keys that are no path of a file"
NO_SIGNATURES = "checks no signatures"
NOT_ROUTED = "answers 404 to keys with a line break"
GAPS = {
    "rclone": {
        "test_put_with_a_wrong_sha256": "compares no SHA-256",
        "test_put_only_if_there_is_none": "ignores the condition",
        "test_put_only_if_it_is_this_one": "ignores the condition",
        "test_get_only_if_it_is_this_one": "ignores the condition",
        "test_copy_only_if_it_is_this_one": "ignores the condition",
        "test_get_of_a_range_is_told_as_partial": "answers 200, with the right bytes and Content-Range",
        "test_signed_address_reads_a_range": "answers 200, with the right bytes and Content-Range",
        "test_list_of_a_key_that_is_a_folder_too": "a file of the disk cannot be a folder",
        "test_odd_key_is_put_read_listed_and_told[slash at the end]": "drops the slash",
        **{
            f"{test}[{key}]": NO_SUCH_KEYS
            for test in (
                "test_odd_key_is_put_read_listed_and_told",
                "test_odd_key_is_read_by_a_signed_address",
                "test_odd_key_is_deleted_among_many",
            )
            for key in ("two slashes", "slash at the beginning", "two dots", "one dot")
        },
        "test_odd_key_is_deleted_among_many[slash at the end]": "drops the slash",
        "test_door_compares_the_bytes_with_the_checksum": "compares no SHA-256",
        "test_door_answers_a_browsers_question": "has no rules for pages of other origins",
        "test_parts_make_an_etag_of_their_number": "the MD5 of the whole",
        "test_parts_sent_again_with_other_bytes": "keeps the first, and answers 501",
        "test_parts_that_are_too_small_are_not_joined": "joins them",
    },
    "moto": {
        "test_put_with_a_wrong_md5": "compares nothing",
        "test_put_with_a_wrong_sha256": "compares nothing",
        "test_copy_only_if_it_is_this_one": "ignores the condition",
        "test_odd_key_is_put_read_listed_and_told[line break]": NOT_ROUTED,
        "test_odd_key_is_read_by_a_signed_address[line break]": NOT_ROUTED,
        "test_odd_key_is_deleted_among_many[line break]": NOT_ROUTED,
        "test_delete_of_too_many": "deletes them",
        "test_signed_address_cannot_be_changed": NO_SIGNATURES,
        "test_door_is_closed_to_all_else": NO_SIGNATURES,
        "test_door_compares_the_bytes_with_the_checksum": "compares nothing",
        "test_parts_that_are_begun_tell_when": "says that all were begun in 2010",
        "test_parts_of_no_upload": "answers 500",
    },
}

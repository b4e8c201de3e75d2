"""Runs over the bucket, uploads on their way, and batches of files that arrive together."""

from media_sync.models.batch import (
    BatchSource,
    BatchState,
    FileState,
    MatchedBy,
    MediaBatch,
    MediaBatchFile,
)
from media_sync.models.sync_run import SyncRun, SyncState
from media_sync.models.upload import Upload, UploadState

__all__ = [
    "BatchSource",
    "BatchState",
    "FileState",
    "MatchedBy",
    "MediaBatch",
    "MediaBatchFile",
    "SyncRun",
    "SyncState",
    "Upload",
    "UploadState",
]

"""The admin's pages of the bucket: syncs, and files that arrive."""

from media_sync.admin.batches import MediaBatchAdmin
from media_sync.admin.syncs import SyncRunAdmin

__all__ = ["MediaBatchAdmin", "SyncRunAdmin"]

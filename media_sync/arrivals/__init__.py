"""Many files that arrive together: from a folder, an archive, a part of the bucket, or addresses; matched to items."""

"""Atomic files, the item store, local and s3:// storage, threads and worker processes."""

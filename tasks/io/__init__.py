"""Files written whole, the item store, storage here and at s3://, threads and worker processes."""

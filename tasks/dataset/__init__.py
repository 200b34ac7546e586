"""Works prepared, dealt to sides, and deteriorated by recipe."""

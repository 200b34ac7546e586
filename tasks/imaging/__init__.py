"""Image files: reading, scans by rows, EXIF, XMP, JPEG 2000, colour spaces."""

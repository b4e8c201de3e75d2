"""Files that clients send straight to the bucket: announced, sent, checked, and only then part of the catalogue."""

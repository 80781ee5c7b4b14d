"""The reference implementation's files, read and written."""

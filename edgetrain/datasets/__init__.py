"""Data that come with their owners: LEAF's layout, files of arrays or tables, generated writers."""

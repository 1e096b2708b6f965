"""Local models as files: the catalog, the choice of `auto`, verified files on disk, and downloads. It runs no model."""

"""Source text as syntax: languages, functions, targets, indentation, edits. It knows no editor and no model."""

"""The learner: views of a text, kernel ridge regression, softer targets, tables for drafts. It ships nothing."""

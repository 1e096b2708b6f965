"""What can go wrong here, by what a caller can do about it.

RouterModelError
├── RouterUnavailable    use the rule that needs no artifact
├── SandboxUnavailable   install bubblewrap, or allow running without it
└── DataMissing          give the folder with the data sets
"""


class RouterModelError(Exception):
    """Root of this package's errors. The text is a sentence for the user."""


class RouterUnavailable(RouterModelError):
    """The artifact is missing, damaged or of another version."""


class SandboxUnavailable(RouterModelError):
    """There is no way to run untrusted code safely here."""


class DataMissing(RouterModelError):
    """A data set or table that a training stage needs is not there."""

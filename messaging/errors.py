"""The one exception that a user's mistake or a missing thing raises."""


class UserError(Exception):
    """Names the thing, the value and the way out, in one line. Commands end with exit code 2."""
